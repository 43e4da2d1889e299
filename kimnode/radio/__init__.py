"""The radio edge: the Meshtastic link, what comes in by air and what goes out."""
