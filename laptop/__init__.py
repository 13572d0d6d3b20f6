"""The doors without the Functions host: the whole system on one machine."""
