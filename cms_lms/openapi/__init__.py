"""The OpenAPI schema of the app's endpoints, made by drf-spectacular; the endpoints know nothing of it."""
