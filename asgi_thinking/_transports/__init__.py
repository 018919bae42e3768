"""The engines behind `asgi_thinking.transport`, one a file; imported when first asked for."""
