"""The catalogue as data: rows, schemas and examples, held to the service's facts without the engine."""
