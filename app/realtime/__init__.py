"""Live events: changes reach their receivers' streams at once. Streams can resume, and the log stays authoritative."""
