"""The Memory API, v1. Each file is a noun of it; what all have in common is in `front.py` and `route.py`."""
