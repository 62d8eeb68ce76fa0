"""Municipalities whose counters the national demonstration opens. Read by `portal.demo.national_offices`.

The names are real; the offices, their addresses, telephones and people are invented.
"""

from __future__ import annotations

_NAMES = """
Αγίας Βαρβάρας|Agia Varvara; Αγίας Παρασκευής|Agia Paraskevi; Αγίου Δημητρίου|Agios Dimitrios;
Αγίου Νικολάου|Agios Nikolaos; Αγρινίου|Agrinio; Αθηναίων|Athens; Αιγάλεω|Egaleo; Αιγιαλείας|Egialia;
Αλεξανδρούπολης|Alexandroupoli; Αλίμου|Alimos; Αμαρουσίου|Marousi;
Αμπελοκήπων – Μενεμένης|Ampelokipi-Menemeni; Αμφίκλειας – Ελάτειας|Amfiklia-Elatia;
Άργους – Μυκηνών|Argos-Mykines; Αρταίων|Arta; Ασπροπύργου|Aspropyrgos; Αχαρνών|Acharnes;
Βάρης – Βούλας – Βουλιαγμένης|Vari-Voula-Vouliagmeni; Βέροιας|Veria; Βόλβης|Volvi; Βόλου|Volos;
Βριλησσίων|Vrilissia; Βύρωνος|Vyronas; Γαλατσίου|Galatsi; Γλυφάδας|Glyfada; Γρεβενών|Grevena;
Δάφνης – Υμηττού|Dafni-Ymittos; Δέλτα|Delta; Διονύσου|Dionysos; Διδυμοτείχου|Didymoticho; Δράμας|Drama;
Δωδώνης|Dodoni; Έδεσσας|Edessa; Ελασσόνας|Elassona; Ελευσίνας|Elefsina;
Ελληνικού – Αργυρούπολης|Elliniko-Argyroupoli; Εορδαίας|Eordea; Ερέτριας|Eretria; Ζακύνθου|Zakynthos;
Ζαγορίου|Zagori; Ζαχάρως|Zacharo; Ζίτσας|Zitsa; Ηγουμενίτσας|Igoumenitsa; Ηλιούπολης|Ilioupoli;
Ηρακλείου Κρήτης|Heraklion; Θάσου|Thasos; Θερμαϊκού|Thermaikos; Θέρμης|Thermi; Θεσσαλονίκης|Thessaloniki;
Θηβαίων|Thiva; Θήρας|Thira; Ιθάκης|Ithaki; Ικαρίας|Ikaria; Ιλίου|Ilion; Ιωαννιτών|Ioannina;
Καβάλας|Kavala; Καισαριανής|Kesariani; Καλαβρύτων|Kalavryta; Καλαμαριάς|Kalamaria; Καλαμάτας|Kalamata;
Καλλιθέας|Kallithea; Καλυμνίων|Kalymnos; Καρδίτσας|Karditsa; Καρπάθου|Karpathos; Καρπενησίου|Karpenisi;
Καρύστου|Karystos; Κασσάνδρας|Kassandra; Καστοριάς|Kastoria; Κατερίνης|Katerini; Κέας|Kea;
Κεντρικής Κέρκυρας|Central Corfu; Κερατσινίου – Δραπετσώνας|Keratsini-Drapetsona; Κηφισιάς|Kifisia;
Κιλελέρ|Kileler; Κιλκίς|Kilkis; Κοζάνης|Kozani; Κομοτηνής|Komotini; Κορινθίων|Corinth;
Κορυδαλλού|Korydallos; Κρωπίας|Kropia; Κυθήρων|Kythira; Κω|Kos; Λαμιέων|Lamia; Λαρισαίων|Larissa;
Λαυρεωτικής|Lavreotiki; Λεβαδέων|Livadia; Λευκάδας|Lefkada; Λήμνου|Limnos; Λουτρακίου|Loutraki;
Μαραθώνος|Marathon; Μεγαρέων|Megara; Μεσσήνης|Messini; Μεταμόρφωσης|Metamorfosi; Μετσόβου|Metsovo;
Μήλου|Milos; Μοσχάτου – Ταύρου|Moschato-Tavros; Μυκόνου|Mykonos; Μυτιλήνης|Mytilene;
Νάξου και Μικρών Κυκλάδων|Naxos and Lesser Cyclades; Νάουσας|Naousa; Ναυπακτίας|Nafpaktia;
Ναυπλιέων|Nafplio; Νέας Ιωνίας|Nea Ionia; Νέας Σμύρνης|Nea Smyrni; Νίκαιας – Ρέντη|Nikea-Rentis;
Ξάνθης|Xanthi; Ορεστιάδας|Orestiada; Παιανίας|Peania; Παλαιού Φαλήρου|Paleo Faliro; Παλλήνης|Pallini;
Πάρου|Paros; Πάργας|Parga; Πατρέων|Patras; Παύλου Μελά|Pavlos Melas; Πειραιώς|Piraeus; Περάματος|Perama;
Περιστερίου|Peristeri; Πετρούπολης|Petroupoli; Πλατανιά|Platanias; Πολυγύρου|Polygyros; Πρέβεζας|Preveza;
Πύλου – Νέστορος|Pylos-Nestor; Πύργου|Pyrgos; Ρεθύμνης|Rethymno; Ρόδου|Rhodes; Σαλαμίνας|Salamina;
Σάμου|Samos; Σερρών|Serres; Σητείας|Sitia; Σκιάθου|Skiathos; Σκύρου|Skyros; Σπάρτης|Sparta;
Σπετσών|Spetses; Σύρου – Ερμούπολης|Syros-Ermoupoli; Τανάγρας|Tanagra; Τήνου|Tinos; Τρικκαίων|Trikala;
Τρίπολης|Tripoli; Τυρνάβου|Tyrnavos; Ύδρας|Hydra; Φαιστού|Phaistos; Φαρσάλων|Farsala; Φλώρινας|Florina;
Χαϊδαρίου|Chaidari; Χαλανδρίου|Chalandri; Χαλκιδέων|Chalkida; Χανίων|Chania; Χίου|Chios
"""


def _read() -> tuple[tuple[str, str], ...]:
    pairs = (name.strip().partition("|") for name in _NAMES.replace("\n", " ").split(";"))
    return tuple((greek, english) for greek, _, english in pairs)


MUNICIPALITIES = _read()
"""Each as Greek says "of …", and in English."""
