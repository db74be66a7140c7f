"""The Python faces of assets/peermeet: components, what a button does at once, and what the bundle needs."""
