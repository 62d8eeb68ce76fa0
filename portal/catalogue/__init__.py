"""The municipality's catalogue: fields, services, offices, staff and closures in one readable TOML file.

`portal import` and the demonstration call `import_file`; docs/catalogue.md tells how to write the file.
"""

from portal.catalogue.entries import Catalogue
from portal.catalogue.reading import CatalogueProblems, read
from portal.catalogue.writing import ImportReport, import_file

__all__ = ["Catalogue", "CatalogueProblems", "ImportReport", "import_file", "read"]
