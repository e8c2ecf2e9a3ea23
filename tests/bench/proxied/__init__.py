"""What a request through a proxy costs and survives: one part of `./dev bench proxy` a module."""
