"""`GET /instance`: commands use it to recognise the server that owns a database."""

from fastapi import FastAPI, Response

from api.service.owner import INSTANCE_HEADER, INSTANCE_PATH


def add_instance(app: FastAPI, instance: str) -> None:
    """Add the route. It needs no store and returns the random id of this server in a header."""

    @app.get(INSTANCE_PATH, include_in_schema=False)
    async def which() -> Response:
        return Response(headers={INSTANCE_HEADER: instance}, status_code=204)
