"""The laptop's adapters."""
