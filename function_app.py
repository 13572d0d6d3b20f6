"""A marker. The Functions worker looks for a file of this name and imports `function_app`, which Python gives to the package beside it."""
