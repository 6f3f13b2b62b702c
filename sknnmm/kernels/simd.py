"""Vectors of numbers for compiled kernels, where no loop is compiled to good vector instructions.

A vector is a value in registers; `+`, `-`, `*` and `/` work lane by lane. On a machine with shorter
vectors LLVM takes them apart. All functions but `sum_of_lanes` also take numbers in place of
vectors, so that one function serves whole vectors and what is left over.
"""

import operator

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic, models, overload, register_model

WIDE = (0,) * 16  # lanes of a vector of a whole cache line, in single precision
NARROW = (0,) * 4  # of one for what is left over
FUSED = ("contract",)  # a multiplication and an addition may be one instruction


class Vector(types.Type):
    """Some numbers of one type."""

    def __init__(self, dtype, lanes):
        self.dtype, self.lanes = dtype, lanes
        super().__init__(f"Vector({dtype}, {lanes})")


@register_model(Vector)
class VectorModel(models.PrimitiveModel):
    """How numba holds a vector."""

    def __init__(self, manager, vector):
        number = manager.lookup(vector.dtype).get_value_type()
        super().__init__(manager, vector, ir.VectorType(number, vector.lanes))


def splat(number, lanes):
    """Return a vector of a number; it has as many lanes as the tuple `lanes` has elements.

    Without any, return the number.
    """


@overload(splat)
def _splat(number, lanes):
    if len(lanes) > 0:
        return lambda number, lanes: _in_all_lanes(number, lanes)
    return lambda number, lanes: number


@intrinsic
def _in_all_lanes(typing_context, number, lanes):
    vector = Vector(number, len(lanes))

    def generate(context, builder, signature, arguments):
        undefined = ir.Constant(context.get_value_type(vector), ir.Undefined)
        first = builder.insert_element(undefined, arguments[0], cgutils.int32_t(0))
        zeros = ir.Constant(ir.VectorType(cgutils.int32_t, vector.lanes), None)
        return builder.shuffle_vector(first, undefined, zeros)

    return vector(number, lanes), generate


def load(values, index, like):
    """Return elements index, index + 1, ... of a contiguous row, as a vector like another.

    Or one element, as a number like another. Whether the row is so long is not checked.
    """


@overload(load)
def _load(values, index, like):
    _check_contiguous(values)
    if isinstance(like, Vector):
        return lambda values, index, like: _load_lanes(values, index, like)
    number = np.float32 if like.bitwidth == 32 else np.float64
    return lambda values, index, like: number(values[index])


@intrinsic
def _load_lanes(typing_context, values, index, like):
    def generate(context, builder, signature, arguments):
        kind = signature.args[0].dtype
        place = _place(context, builder, signature.args[0], *arguments[:2], like.lanes)
        stored = builder.load(place, align=kind.bitwidth // 8)
        wanted = context.get_value_type(like)
        if isinstance(kind, types.Integer):
            return (builder.sitofp if kind.signed else builder.uitofp)(stored, wanted)
        if kind.bitwidth == like.dtype.bitwidth:
            return stored
        longer = kind.bitwidth < like.dtype.bitwidth
        return (builder.fpext if longer else builder.fptrunc)(stored, wanted)

    return like(values, types.intp, like), generate


def store(values, index, value):
    """Write a vector to elements index, index + 1, ... of a contiguous row, or a number to one."""


@overload(store)
def _store(values, index, value):
    _check_contiguous(values)
    if isinstance(value, Vector):
        return lambda values, index, value: _store_lanes(values, index, value)

    def one(values, index, value):
        values[index] = value

    return one


@intrinsic
def _store_lanes(typing_context, values, index, vector):
    def generate(context, builder, signature, arguments):
        kind, stored = signature.args[0].dtype, arguments[2]
        place = _place(context, builder, signature.args[0], *arguments[:2], vector.lanes)
        if isinstance(kind, types.Integer):
            stored = builder.fptosi(stored, place.type.pointee)
        builder.store(stored, place, align=kind.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(values, types.intp, vector), generate


def _check_contiguous(values):
    """Refuse arrays whose next element is not the next number in memory."""
    if values.ndim != 1 or values.layout not in ("C", "F"):
        raise TypingError(f"a vector needs a contiguous row, not {values}")


def _place(context, builder, kind, values, index, lanes):
    """Return the address of an element of an array, as that of a vector."""
    array = context.make_array(kind)(context, builder, values)
    vector = ir.VectorType(context.get_value_type(kind.dtype), lanes)
    return builder.bitcast(builder.gep(array.data, [index]), vector.as_pointer())


def where_greater(first, second, then, otherwise):
    """Return, lane by lane, `then` where first > second, else `otherwise`."""


@overload(where_greater)
def _where_greater(first, second, then, otherwise):
    if isinstance(first, Vector):
        return lambda first, second, then, otherwise: _select(first, second, then, otherwise)
    return lambda first, second, then, otherwise: then if first > second else otherwise


@intrinsic
def _select(typing_context, first, second, then, otherwise):
    def generate(context, builder, signature, arguments):
        first, second, then, otherwise = arguments
        return builder.select(builder.fcmp_ordered(">", first, second), then, otherwise)

    return then(first, first, then, then), generate


def square_root(value):
    """Return the square root of every lane, or of a number."""


@overload(square_root)
def _square_root(value):
    if isinstance(value, Vector):
        return lambda value: _root_of_lanes(value)
    return lambda value: np.sqrt(value)


@intrinsic
def _root_of_lanes(typing_context, vector):
    def generate(context, builder, signature, arguments):
        kind = context.get_value_type(vector)
        name = f"llvm.sqrt.v{vector.lanes}f{vector.dtype.bitwidth}"
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(kind, [kind]), name
        )
        return builder.call(function, arguments)

    return vector(vector), generate


@intrinsic
def sum_of_lanes(typing_context, vector):
    """Return the sum of all lanes: of the halves of the vector, of the halves of that, ..."""

    def generate(context, builder, signature, arguments):
        (rest,) = arguments
        size = vector.lanes
        while size > 1:
            size //= 2
            places = ir.VectorType(cgutils.int32_t, size)
            halves = (
                builder.shuffle_vector(rest, rest, ir.Constant(places, list(range(first, last))))
                for first, last in ((0, size), (size, 2 * size))
            )
            rest = builder.fadd(*halves)
        return builder.extract_element(rest, cgutils.int32_t(0))

    return vector.dtype(vector), generate


def _arithmetic(symbol, instruction):
    """Let numba compile an operator of two vectors to an instruction."""

    @intrinsic
    def operation(typing_context, first, second):
        def generate(context, builder, signature, arguments):
            return getattr(builder, instruction)(*arguments, flags=FUSED)

        return first(first, second), generate

    @overload(symbol)
    def of_vectors(first, second):
        if isinstance(first, Vector) and first == second:
            return lambda first, second: operation(first, second)


_arithmetic(operator.add, "fadd")
_arithmetic(operator.sub, "fsub")
_arithmetic(operator.mul, "fmul")
_arithmetic(operator.truediv, "fdiv")
