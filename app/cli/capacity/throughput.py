"""The units of the table and its indexes: provisioned at DynamoDB, measured by CloudWatch, scaled by Auto Scaling."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from app.gateways.aws import Aws

Direction: TypeAlias = Literal["Read", "Write"]
DIRECTIONS: Final[tuple[Direction, ...]] = ("Read", "Write")

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


@dataclass(frozen=True, slots=True)
class Scaling:
    """Target tracking of one resource and direction; `target` is in per cent, or None without a policy."""

    index: str
    direction: Direction
    least: int
    most: int
    target: float | None


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
        """Provision the units that differ, or switch to on demand. DynamoDB works on the change for some minutes."""
        await self._aws.call("dynamodb", "update_table", TableName=self.table, **_change(before, after))

    async def usage(self, capacities: Sequence[Capacity], *, start: datetime, end: datetime) -> list[Series]:
        """Return the series of each resource and direction between the two times."""
        step = step_of(end - start, age=end - start)
        first = datetime.fromtimestamp(start.timestamp() // step * step, tz=start.tzinfo)
        wanted = [(each.index, direction) for each in capacities for direction in DIRECTIONS]
        queries = [
            self._query(f"m{at}{kind}", index, metric.format(direction), step)
            for at, (index, direction) in enumerate(wanted)
            for kind, metric in _METRICS.items()
        ]
        slots = math.ceil((end - first).total_seconds() / step)
        found = await self._metrics(queries, first, end, slots=slots, step=step)
        return [
            Series(
                index,
                direction,
                consumed=found[f"m{at}consumed"],
                provisioned=found[f"m{at}provisioned"],
                throttled=found[f"m{at}throttled"],
                start=first,
                step=step,
            )
            for at, (index, direction) in enumerate(wanted)
        ]

    async def _metrics(
        self, queries: list[dict[str, Any]], start: datetime, end: datetime, *, slots: int, step: int
    ) -> dict[str, list[float]]:
        """Return the value of each step by query; 0 where CloudWatch has none, as DynamoDB reports no zeros."""
        found = {query["Id"]: [0.0] * slots for query in queries}
        results = self._aws.items(
            "cloudwatch",
            "get_metric_data",
            "MetricDataResults",
            MetricDataQueries=queries,
            StartTime=start,
            EndTime=end,
        )
        async for result in results:
            for at, value in zip(result["Timestamps"], result["Values"], strict=True):
                found[result["Id"]][int((at - start).total_seconds() // step)] = value
        return found

    def _query(self, name: str, index: str, metric: str, step: int) -> dict[str, Any]:
        dimensions = {"TableName": self.table} | ({"GlobalSecondaryIndexName": index} if index else {})
        definition = {
            "Namespace": "AWS/DynamoDB",
            "MetricName": metric,
            "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        }
        statistic = "Average" if metric.startswith("Provisioned") else "Sum"
        return {"Id": name, "MetricStat": {"Metric": definition, "Period": step, "Stat": statistic}}

    async def scalings(self, indexes: Sequence[str]) -> list[Scaling]:
        """Return the auto scaling of the table and these indexes."""
        resources = [self._resource(index) for index in ("", *indexes)]
        targets = [
            target
            async for target in self._aws.items(
                "application-autoscaling",
                "describe_scalable_targets",
                "ScalableTargets",
                ServiceNamespace="dynamodb",
                ResourceIds=resources,
            )
        ]
        policies = [
            policy
            for resource in {target["ResourceId"] for target in targets}
            async for policy in self._aws.items(
                "application-autoscaling",
                "describe_scaling_policies",
                "ScalingPolicies",
                ServiceNamespace="dynamodb",
                ResourceId=resource,
            )
        ]
        return sorted((_scaling(target, policies) for target in targets), key=lambda it: (it.index, it.direction))

    async def enable_autoscaling(self, scaling: Scaling) -> None:
        """Let the units follow the load between the bounds. Repeatable; the newest bounds and target count."""
        resource = self._scaled(scaling.index, scaling.direction)
        await self._aws.call(
            "application-autoscaling",
            "register_scalable_target",
            **resource,
            MinCapacity=scaling.least,
            MaxCapacity=scaling.most,
        )
        tracking = {
            "TargetValue": scaling.target,
            "PredefinedMetricSpecification": {
                "PredefinedMetricType": f"DynamoDB{scaling.direction}CapacityUtilization"
            },
        }
        await self._aws.call(
            "application-autoscaling",
            "put_scaling_policy",
            **resource,
            PolicyName=f"{self.table}-{scaling.index or 'table'}-{scaling.direction.lower()}",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=tracking,
        )

    async def disable_autoscaling(self, scaling: Scaling) -> None:
        """End auto scaling, with its policies and alarms; the units stay as they are."""
        resource = self._scaled(scaling.index, scaling.direction)
        await self._aws.call("application-autoscaling", "deregister_scalable_target", **resource)

    def _scaled(self, index: str, direction: Direction) -> dict[str, str]:
        kind = "index" if index else "table"
        return {
            "ServiceNamespace": "dynamodb",
            "ResourceId": self._resource(index),
            "ScalableDimension": f"dynamodb:{kind}:{direction}CapacityUnits",
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


def _change(before: Sequence[Capacity], after: Sequence[Capacity]) -> dict[str, Any]:
    """Return the UpdateTable request, without unchanged units, which DynamoDB refuses."""
    table = after[0]
    if table.on_demand:
        return {"BillingMode": "PAY_PER_REQUEST"}
    changed = [each for old, each in zip(before, after, strict=True) if old != each]
    indexes = [{"Update": {"IndexName": each.index, **_provisioned(each)}} for each in changed if each.index]
    request: dict[str, Any] = _provisioned(table) if table in changed else {}
    if before[0].on_demand:
        request["BillingMode"] = "PROVISIONED"
    return request | ({"GlobalSecondaryIndexUpdates": indexes} if indexes else {})


def _provisioned(capacity: Capacity) -> dict[str, Any]:
    return {"ProvisionedThroughput": {"ReadCapacityUnits": capacity.read, "WriteCapacityUnits": capacity.write}}


def _scaling(target: Mapping[str, Any], policies: Sequence[Mapping[str, Any]]) -> Scaling:
    values = [
        policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"]
        for policy in policies
        if policy["ResourceId"] == target["ResourceId"]
        and policy["ScalableDimension"] == target["ScalableDimension"]
        and "TargetTrackingScalingPolicyConfiguration" in policy
    ]
    direction: Direction = "Read" if ":Read" in target["ScalableDimension"] else "Write"
    _, _, index = target["ResourceId"].partition("/index/")
    return Scaling(index, direction, target["MinCapacity"], target["MaxCapacity"], next(iter(values), None))
