"""The hall: load, decide, save, send; perform; sweep."""
