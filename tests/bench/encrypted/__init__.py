"""What TLS and HTTP/2 cost and survive in front: one part of `./dev bench tls` a module."""
