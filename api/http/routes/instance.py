"""Which server answers here: for commands that look for the owner of a database."""

from fastapi import FastAPI, Response

from api.service.owner import INSTANCE_HEADER, INSTANCE_PATH


def add_instance(app: FastAPI, instance: str) -> None:
    """Add the route; it answers whatever has become of the store."""

    @app.get(INSTANCE_PATH, include_in_schema=False)
    async def which() -> Response:
        return Response(headers={INSTANCE_HEADER: instance}, status_code=204)
