"""The rule: what follows from what. Knows nothing outside itself."""
