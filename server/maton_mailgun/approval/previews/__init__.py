"""What data in a catalogue row cannot say about a write: one module per function that rows name in `preview`."""
