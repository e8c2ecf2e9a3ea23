"""The rows of `./dev bench handoff`, by what they are about."""
