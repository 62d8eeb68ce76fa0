"""How fast the portal is, and that it sells no time twice under load: ``python -m benchmarks``.

Not installed with the portal and no part of its tests; README.md tells what is measured and beside what.
"""
