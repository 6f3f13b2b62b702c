"""The terms of a layer: what adds up to the expected response."""
