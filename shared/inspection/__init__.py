"""The eyes: bytes in, a bundle and its faults out."""
