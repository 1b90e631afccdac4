"""The units of the table and its indexes: provisioned at DynamoDB, measured by CloudWatch, scaled by Auto Scaling."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypeAlias

if TYPE_CHECKING:
    from app.gateways.aws import Aws

Direction: TypeAlias = Literal["Read", "Write"]
DIRECTIONS: Final[tuple[Direction, ...]] = ("Read", "Write")

AUTO_SCALING: Final = "application-autoscaling"
POINTS: Final = 60
"""The most points of a chart."""
RETENTION: Final = ((timedelta(days=63), 3_600), (timedelta(days=15), 300), (timedelta(0), 60))
"""The finest step in seconds that CloudWatch keeps for data that is older than this."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """The units of the table (`index` is empty) or of an index; 0 on demand."""

    index: str
    on_demand: bool
    read: int
    write: int
    status: str = ""

    @property
    def name(self) -> str:
        return f"index {self.index}" if self.index else "table"

    def units(self, direction: Direction) -> int:
        return self.read if direction == "Read" else self.write


@dataclass(frozen=True, slots=True)
class Series:
    """CloudWatch's sums for one resource and direction: units or events in each step, oldest first."""

    index: str
    direction: Direction
    consumed: Sequence[float]
    provisioned: Sequence[float]
    throttled: Sequence[float]
    start: datetime
    step: int

    def per_second(self) -> list[float]:
        return [units / self.step for units in self.consumed]

    @property
    def average(self) -> float:
        return sum(self.consumed) / (self.step * max(1, len(self.consumed)))

    @property
    def peak(self) -> float:
        """Return the highest average of a step; shorter peaks are not seen."""
        return max(self.per_second(), default=0.0)

    def to_record(self) -> dict[str, Any]:
        """Return the series for machines."""
        return {
            "average": self.average,
            "peak": self.peak,
            "throttled": sum(self.throttled),
            "start": self.start.isoformat(),
            "step_seconds": self.step,
            "consumed": list(self.consumed),
        }


@dataclass(frozen=True, slots=True)
class Scaling:
    """Target tracking of one resource and direction; `target` is in per cent, or None without a policy."""

    index: str
    direction: Direction
    least: int
    most: int
    target: float | None

    @classmethod
    def of(cls, target: Mapping[str, Any], policies: Sequence[Mapping[str, Any]]) -> Self:
        """Return the auto scaling of a scalable target, by the first of the policies that tracks a value for it."""
        values = (
            policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"]
            for policy in policies
            if all(policy[name] == target[name] for name in ("ResourceId", "ScalableDimension"))
            and "TargetTrackingScalingPolicyConfiguration" in policy
        )
        direction: Direction = "Read" if ":Read" in target["ScalableDimension"] else "Write"
        _, _, index = target["ResourceId"].partition("/index/")
        return cls(index, direction, target["MinCapacity"], target["MaxCapacity"], next(values, None))


class Throughput:
    """Reads and changes the units of one table and its indexes."""

    def __init__(self, aws: "Aws", table: str) -> None:
        self._aws = aws
        self.table = table

    async def capacities(self) -> list[Capacity]:
        """Return the capacity of the table, then of each index."""
        table = (await self._aws.call("dynamodb", "describe_table", TableName=self.table))["Table"]
        on_demand = table.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST"
        indexes = table.get("GlobalSecondaryIndexes", ())
        return [
            _capacity("", table, table.get("TableStatus", ""), on_demand=on_demand),
            *(_capacity(each["IndexName"], each, each.get("IndexStatus", ""), on_demand=on_demand) for each in indexes),
        ]

    async def provision(self, before: Sequence[Capacity], after: Sequence[Capacity]) -> None:
        """Provision the units that differ, or switch to on demand. DynamoDB works on the change for some minutes.

        It refuses a request with units that do not change.
        """
        table, changed = after[0], [each for old, each in zip(before, after, strict=True) if old != each]
        request: dict[str, Any] = _provisioned(table) if table in changed else {}
        if indexes := [{"Update": {"IndexName": each.index, **_provisioned(each)}} for each in changed if each.index]:
            request["GlobalSecondaryIndexUpdates"] = indexes
        if before[0].on_demand:
            request["BillingMode"] = "PROVISIONED"
        if table.on_demand:
            request = {"BillingMode": "PAY_PER_REQUEST"}
        await self._aws.call("dynamodb", "update_table", TableName=self.table, **request)

    async def usage(self, capacities: Sequence[Capacity], *, start: datetime, end: datetime) -> list[Series]:
        """Return the series of each resource and direction between the two times."""
        step = step_of(end - start, age=end - start)
        first = datetime.fromtimestamp(start.timestamp() // step * step, tz=start.tzinfo)
        wanted = {f"m{at}": key for at, key in enumerate(product((each.index for each in capacities), DIRECTIONS))}
        queries = [query for name, key in wanted.items() for query in self._queries(name, *key, step)]
        found = await self._metrics(queries, first, end, step=step)
        return [
            Series(index, direction, **{kind: found[f"{name}{kind}"] for kind in _METRICS}, start=first, step=step)
            for name, (index, direction) in wanted.items()
        ]

    async def _metrics(
        self, queries: list[dict[str, Any]], start: datetime, end: datetime, *, step: int
    ) -> dict[str, list[float]]:
        """Return the value of each step by query; 0 where CloudWatch has none, as DynamoDB reports no zeros."""
        slots = math.ceil((end - start).total_seconds() / step)
        found = {query["Id"]: [0.0] * slots for query in queries}
        request: dict[str, Any] = {"MetricDataQueries": queries, "StartTime": start, "EndTime": end}
        results = self._aws.items("cloudwatch", "get_metric_data", "MetricDataResults", **request)
        async for result in results:
            for at, value in zip(result["Timestamps"], result["Values"], strict=True):
                found[result["Id"]][int((at - start).total_seconds() // step)] = value
        return found

    def _queries(self, name: str, index: str, direction: Direction, step: int) -> Iterator[dict[str, Any]]:
        """Yield the query for each metric of a resource and direction, whose ids begin with this name."""
        names = {"TableName": self.table} | ({"GlobalSecondaryIndexName": index} if index else {})
        dimensions = [{"Name": dimension, "Value": value} for dimension, value in names.items()]
        for kind, metric in _METRICS.items():
            definition = {"Namespace": "AWS/DynamoDB", "MetricName": metric.format(direction), "Dimensions": dimensions}
            statistic = "Average" if kind == "provisioned" else "Sum"
            stat = {"Metric": definition, "Period": step, "Stat": statistic}
            yield {"Id": f"{name}{kind}", "MetricStat": stat}

    async def scalings(self, indexes: Sequence[str]) -> list[Scaling]:
        """Return the auto scaling of the table and these indexes."""
        resources = [self._resource(index) for index in ("", *indexes)]
        targets = await self._listed("describe_scalable_targets", "ScalableTargets", ResourceIds=resources)
        policies = [
            policy
            for resource in {target["ResourceId"] for target in targets}
            for policy in await self._listed("describe_scaling_policies", "ScalingPolicies", ResourceId=resource)
        ]
        return sorted((Scaling.of(target, policies) for target in targets), key=lambda it: (it.index, it.direction))

    async def _listed(self, operation: str, member: str, **request: Any) -> list[dict[str, Any]]:
        found = self._aws.items(AUTO_SCALING, operation, member, ServiceNamespace="dynamodb", **request)
        return [each async for each in found]

    async def enable_autoscaling(self, scaling: Scaling) -> None:
        """Let the units follow the load between the bounds. Repeatable; the newest bounds and target count."""
        target = self._target(scaling)
        bounds: dict[str, Any] = {"MinCapacity": scaling.least, "MaxCapacity": scaling.most}
        await self._aws.call(AUTO_SCALING, "register_scalable_target", **target, **bounds)
        metric = {"PredefinedMetricType": f"DynamoDB{scaling.direction}CapacityUtilization"}
        tracking = {"TargetValue": scaling.target, "PredefinedMetricSpecification": metric}
        await self._aws.call(
            AUTO_SCALING,
            "put_scaling_policy",
            **target,
            PolicyName=f"{self.table}-{scaling.index or 'table'}-{scaling.direction.lower()}",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=tracking,
        )

    async def disable_autoscaling(self, scaling: Scaling) -> None:
        """End auto scaling, with its policies and alarms; the units stay as they are."""
        await self._aws.call(AUTO_SCALING, "deregister_scalable_target", **self._target(scaling))

    def _target(self, scaling: Scaling) -> dict[str, Any]:
        """Return the names of what Auto Scaling calls a scalable target."""
        kind = "index" if scaling.index else "table"
        return {
            "ServiceNamespace": "dynamodb",
            "ResourceId": self._resource(scaling.index),
            "ScalableDimension": f"dynamodb:{kind}:{scaling.direction}CapacityUnits",
        }

    def _resource(self, index: str) -> str:
        return f"table/{self.table}/index/{index}" if index else f"table/{self.table}"


_METRICS: Final = {
    "consumed": "Consumed{}CapacityUnits",
    "provisioned": "Provisioned{}CapacityUnits",
    "throttled": "{}ThrottleEvents",
}


def step_of(span: timedelta, *, age: timedelta) -> int:
    """Return the seconds between the points of a span that begins this long ago, by what CloudWatch keeps."""
    finest = next(step for limit, step in RETENTION if age >= limit)
    return finest * max(1, math.ceil(span.total_seconds() / POINTS / finest))


def _capacity(index: str, resource: Mapping[str, Any], status: str, *, on_demand: bool) -> Capacity:
    units = {} if on_demand else resource.get("ProvisionedThroughput", {})
    return Capacity(index, on_demand, units.get("ReadCapacityUnits", 0), units.get("WriteCapacityUnits", 0), status)


def _provisioned(capacity: Capacity) -> dict[str, Any]:
    return {"ProvisionedThroughput": {"ReadCapacityUnits": capacity.read, "WriteCapacityUnits": capacity.write}}
