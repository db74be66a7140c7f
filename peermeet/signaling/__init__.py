"""How browsers are introduced to each other: Socket.IO around the core. PROTOCOL.md tells it."""
