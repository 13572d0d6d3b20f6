"""Customs: outside formats to our values and back."""
