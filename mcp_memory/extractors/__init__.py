"""Extraction by a language model behind an HTTP endpoint, which the rules of `extraction` back up and check."""
