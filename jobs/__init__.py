"""Work on verification data, in the tools environment: smoke test, scoring, metrics, plots. Imports nothing of the other packages."""
