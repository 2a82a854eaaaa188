"""Its place here lets every test import the shared oracles beside it (auditor and the like)."""
