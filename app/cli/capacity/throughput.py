"""The units of the table and its indexes: what is bought, what is used, and who changes it.

DynamoDB knows the first, CloudWatch the second, Application Auto Scaling the third.
"""

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
"""About how many there are in a picture."""
RETENTION: Final = ((timedelta(days=63), 3_600), (timedelta(days=15), 300), (timedelta(0), 60))
"""From how far back CloudWatch keeps which steps, in seconds."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """What is bought for the table (`index` is empty) or for one of its indexes. On demand there are no units."""

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
    """What CloudWatch saw of one resource in one direction: units or events in each step, oldest first."""

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
        """Of the steps' averages: what lasts for less than a step is not seen."""
        return max(self.per_second(), default=0.0)


@dataclass(frozen=True, slots=True)
class Scaling:
    """Target tracking of one resource in one direction; `target` is in per cent, None when no policy goes with it."""

    index: str
    direction: Direction
    least: int
    most: int
    target: float | None


class Throughput:
    """One table's."""

    def __init__(self, aws: "Aws", table: str) -> None:
        self._aws = aws
        self.table = table

    async def capacities(self) -> list[Capacity]:
        """The table's, then each index's."""
        told = (await self._aws.call("dynamodb", "describe_table", TableName=self.table))["Table"]
        on_demand = told.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST"
        indexes = told.get("GlobalSecondaryIndexes", ())
        return [
            _capacity("", told, told.get("TableStatus", ""), on_demand=on_demand),
            *(_capacity(each["IndexName"], each, each.get("IndexStatus", ""), on_demand=on_demand) for each in indexes),
        ]

    async def buy(self, before: Sequence[Capacity], after: Sequence[Capacity]) -> None:
        """Provision what differs, or go on demand. DynamoDB takes the change and works on it for some minutes."""
        await self._aws.call("dynamodb", "update_table", TableName=self.table, **_change(before, after))

    async def usage(self, capacities: Sequence[Capacity], *, start: datetime, end: datetime) -> list[Series]:
        """Each resource's reads and writes between the two times."""
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
        """By query, the value in each step; what CloudWatch has not got is nothing, as DynamoDB tells it no zeros."""
        found = {query["Id"]: [0.0] * slots for query in queries}
        results = self._aws.items(
            "cloudwatch", "get_metric_data", "MetricDataResults",
            MetricDataQueries=queries, StartTime=start, EndTime=end,
        )  # fmt: skip
        async for result in results:
            for at, value in zip(result["Timestamps"], result["Values"], strict=True):
                found[result["Id"]][int((at - start).total_seconds() // step)] = value
        return found

    def _query(self, name: str, index: str, metric: str, step: int) -> dict[str, Any]:
        dimensions = {"TableName": self.table} | ({"GlobalSecondaryIndexName": index} if index else {})
        told = {
            "Namespace": "AWS/DynamoDB",
            "MetricName": metric,
            "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        }
        statistic = "Average" if metric.startswith("Provisioned") else "Sum"
        return {"Id": name, "MetricStat": {"Metric": told, "Period": step, "Stat": statistic}}

    async def scalings(self, indexes: Sequence[str]) -> list[Scaling]:
        """What auto scaling does to the table and these indexes."""
        resources = [self._resource(index) for index in ("", *indexes)]
        targets = [
            target
            async for target in self._aws.items(
                "application-autoscaling", "describe_scalable_targets", "ScalableTargets",
                ServiceNamespace="dynamodb", ResourceIds=resources,
            )
        ]  # fmt: skip
        policies = [
            policy
            for resource in {target["ResourceId"] for target in targets}
            async for policy in self._aws.items(
                "application-autoscaling", "describe_scaling_policies", "ScalingPolicies",
                ServiceNamespace="dynamodb", ResourceId=resource,
            )
        ]  # fmt: skip
        return sorted((_scaling(target, policies) for target in targets), key=lambda it: (it.index, it.direction))

    async def scale(self, scaling: Scaling) -> None:
        """Have its units follow the load between the two bounds. Repeatable; the newest bounds and target count."""
        resource = self._scaled(scaling.index, scaling.direction)
        await self._aws.call(
            "application-autoscaling", "register_scalable_target",
            **resource, MinCapacity=scaling.least, MaxCapacity=scaling.most,
        )  # fmt: skip
        tracking = {
            "TargetValue": scaling.target,
            "PredefinedMetricSpecification": {
                "PredefinedMetricType": f"DynamoDB{scaling.direction}CapacityUtilization"
            },
        }
        await self._aws.call(
            "application-autoscaling", "put_scaling_policy",
            **resource, PolicyName=f"{self.table}-{scaling.index or 'table'}-{scaling.direction.lower()}",
            PolicyType="TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration=tracking,
        )  # fmt: skip

    async def leave(self, scaling: Scaling) -> None:
        """End auto scaling of this; its policies and alarms go too, its units stay as they are now."""
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
    """Seconds between the points of a span that begins so long ago, as far as CloudWatch still has them."""
    finest = next(step for limit, step in RETENTION if age >= limit)
    return finest * max(1, math.ceil(span.total_seconds() / POINTS / finest))


def _capacity(index: str, told: Mapping[str, Any], status: str, *, on_demand: bool) -> Capacity:
    units = {} if on_demand else told.get("ProvisionedThroughput", {})
    return Capacity(index, on_demand, units.get("ReadCapacityUnits", 0), units.get("WriteCapacityUnits", 0), status)


def _change(before: Sequence[Capacity], after: Sequence[Capacity]) -> dict[str, Any]:
    """The UpdateTable request. DynamoDB refuses units that are as they were."""
    table = after[0]
    if table.on_demand:
        return {"BillingMode": "PAY_PER_REQUEST"}
    changed = [each for old, each in zip(before, after, strict=True) if old != each]
    indexes = [{"Update": {"IndexName": each.index, **_bought(each)}} for each in changed if each.index]
    request: dict[str, Any] = _bought(table) if table in changed else {}
    if before[0].on_demand:
        request["BillingMode"] = "PROVISIONED"
    return request | ({"GlobalSecondaryIndexUpdates": indexes} if indexes else {})


def _bought(capacity: Capacity) -> dict[str, Any]:
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
