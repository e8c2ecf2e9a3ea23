"""The rows of `./dev bench chaos`: what must hold while processes die, hang and run out of things."""
