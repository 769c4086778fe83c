"""Task types of Example Inc. for the simulator."""

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec


class Greet:
    """Greets people, into a file."""

    spec = TaskSpec(
        "com.example.greetings.Greet",
        properties=(
            PropertySpec("names", T.LIST, item=PropertySpec("name"), required=True),
            PropertySpec("greeting", default="Hello"),
        ),
        outputs=(OutputSpec("uri", T.URI), OutputSpec("count", T.INTEGER)),
        doc="Writes one greeting a line.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        names = ctx.get("names")
        if not names:
            raise TaskError("There is nobody to greet")
        path = ctx.temp_file(".txt")
        path.write_text("".join(f"{ctx.get('greeting')}, {name}!\n" for name in names), encoding="utf-8")
        ctx.logger.info("Greeted {} people", len(names))
        ctx.metric("greetings", len(names))
        uri = ctx.put_file(path)
        return TaskResult({"uri": uri, "count": len(names)}, fact=f"{len(names)} people -> {uri}")
