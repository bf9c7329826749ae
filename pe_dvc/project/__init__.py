"""The project: settings, and the wiring of use cases to the adapters of this machine."""
