"""Vectors of numbers for compiled kernels, where no loop is compiled to good vector instructions.

A vector is a value in registers; `+`, `-`, `*` and `/` work lane by lane. On a machine with shorter
vectors LLVM takes them apart. All functions but `sum_of_lanes` also take numbers in place of
vectors, so that one function serves whole vectors and what is left over. They are intrinsics, not
overloads, each of which numba would compile on its own.
"""

import operator

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable

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


@intrinsic
def splat(typing_context, number, lanes):
    """Return a vector of a number; it has as many lanes as the tuple `lanes` has elements.

    Without any, return the number.
    """
    kind = Vector(number, len(lanes)) if len(lanes) > 0 else number

    def generate(context, builder, signature, arguments):
        if not isinstance(kind, Vector):
            return arguments[0]
        return _repeated(builder, arguments[0], kind.lanes)

    return kind(number, lanes), generate


def _repeated(builder, number, lanes):
    """Return a vector of a number."""
    undefined = ir.Constant(ir.VectorType(number.type, lanes), ir.Undefined)
    first = builder.insert_element(undefined, number, cgutils.int32_t(0))
    zeros = ir.Constant(ir.VectorType(cgutils.int32_t, lanes), None)
    return builder.shuffle_vector(first, undefined, zeros)


@intrinsic
def load(typing_context, values, index, like):
    """Return elements index, index + 1, ... of a contiguous row, as a vector like another.

    Or one element, as a number like another. Whether the row is so long is not checked.
    """
    _check_contiguous(values)
    number = like.dtype if isinstance(like, Vector) else like

    def generate(context, builder, signature, arguments):
        kind = values.dtype
        place, stored_as = _place(context, builder, values, *arguments[:2], like)
        stored = builder.load(place, align=kind.bitwidth // 8, typ=stored_as)
        wanted = context.get_value_type(like)
        if isinstance(kind, types.Integer):
            return (builder.sitofp if kind.signed else builder.uitofp)(stored, wanted)
        if kind.bitwidth == number.bitwidth:
            return stored
        longer = kind.bitwidth < number.bitwidth
        return (builder.fpext if longer else builder.fptrunc)(stored, wanted)

    return like(values, types.intp, like), generate


@intrinsic
def load_codes(typing_context, words, index, like):
    """Return codes index, index + 1, ... of a contiguous row plus 2, as a vector like another.

    See `codes.py`. `index` is a multiple of the lanes; a code of 3 becomes 6.
    """
    _check_contiguous(words)

    def generate(context, builder, signature, arguments):
        values, index, _ = arguments
        number, size = like.dtype, context.get_value_type(types.intp)
        integers = ir.VectorType(ir.IntType(number.bitwidth), like.lanes)
        group = size(like.lanes * words.dtype.bitwidth // 2)
        first = builder.mul(builder.udiv(index, group), size(like.lanes))
        place, stored_as = _place(context, builder, words, values, first, like)
        stored = builder.load(place, align=words.dtype.bitwidth // 8, typ=stored_as)
        # The bits of a code become the first of the fraction and the last of the exponent of 2.0:
        # 2 (1 + 0), 2 (1 + 1/2), 4 (1 + 0), 4 (1 + 1/2).
        last = 22 if number.bitwidth == 32 else 51
        before = builder.udiv(builder.urem(index, group), size(like.lanes))
        shift = builder.sub(size(last), builder.mul(before, size(2)))
        shift = _repeated(builder, builder.trunc(shift, integers.element), like.lanes)
        mask = ir.Constant(integers, [3 << last] * like.lanes)
        code = builder.and_(builder.shl(builder.zext(stored, integers), shift), mask)
        wanted = context.get_value_type(like)
        two = builder.bitcast(ir.Constant(wanted, [2.0] * like.lanes), integers)
        return builder.bitcast(builder.or_(code, two), wanted)

    return like(words, types.intp, like), generate


@intrinsic
def store(typing_context, values, index, value):
    """Write a vector to elements index, index + 1, ... of a contiguous row, or a number to one."""
    _check_contiguous(values)

    def generate(context, builder, signature, arguments):
        kind, stored = values.dtype, arguments[2]
        place, stored_as = _place(context, builder, values, *arguments[:2], value)
        if isinstance(kind, types.Integer):
            stored = builder.fptosi(stored, stored_as)
        builder.store(stored, place, align=kind.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(values, types.intp, value), generate


def _check_contiguous(values):
    """Refuse arrays whose next element is not the next number in memory."""
    if values.ndim != 1 or values.layout not in ("C", "F"):
        raise TypingError(f"a vector needs a contiguous row, not {values}")


def _place(context, builder, kind, values, index, like):
    """Return the address of as many elements of an array as `like` has lanes, and their type.

    No type is read from a pointer: llvmlite's are losing them. The cast is for releases whose
    pointers still have one.
    """
    number = context.get_value_type(kind.dtype)
    stored_as = ir.VectorType(number, like.lanes) if isinstance(like, Vector) else number
    array = context.make_array(kind)(context, builder, values)
    element = builder.gep(array.data, [index], source_etype=number)
    return builder.bitcast(element, stored_as.as_pointer()), stored_as


@intrinsic
def where_greater(typing_context, first, second, then, otherwise):
    """Return, lane by lane, `then` where first > second, else `otherwise`."""

    def generate(context, builder, signature, arguments):
        first, second, then, otherwise = arguments
        return builder.select(builder.fcmp_ordered(">", first, second), then, otherwise)

    return then(first, first, then, then), generate


@intrinsic
def square_root(typing_context, value):
    """Return the square root of every lane, or of a number."""

    def generate(context, builder, signature, arguments):
        kind = context.get_value_type(value)
        lanes, number = (
            (f"v{value.lanes}", value.dtype) if isinstance(value, Vector) else ("", value)
        )
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(kind, [kind]), f"llvm.sqrt.{lanes}f{number.bitwidth}"
        )
        return builder.call(function, arguments)

    return value(value), generate


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

    @type_callable(symbol)
    def type_of(typing_context):
        return lambda first, second: (
            first if isinstance(first, Vector) and first == second else None
        )

    @lower_builtin(symbol, Vector, Vector)
    def generate(context, builder, signature, arguments):
        return getattr(builder, instruction)(*arguments, flags=FUSED)


_arithmetic(operator.add, "fadd")
_arithmetic(operator.sub, "fsub")
_arithmetic(operator.mul, "fmul")
_arithmetic(operator.truediv, "fdiv")
