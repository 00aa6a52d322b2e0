package functions

import "github.com/firesteel/firesteel/spark"

// Functions of numbers.

// Abs is the absolute value.
func Abs(c spark.Column) spark.Column {
	return spark.Call("abs", c)
}

// Ceil is the smallest whole number that is not less.
func Ceil(c spark.Column) spark.Column {
	return spark.Call("ceil", c)
}

// Floor is the greatest whole number that is not greater.
func Floor(c spark.Column) spark.Column {
	return spark.Call("floor", c)
}

// Round is the number with so many decimals; halves are rounded away from zero.
func Round(c spark.Column, decimals any) spark.Column {
	return spark.Call("round", c, decimals)
}

// BRound is the number with so many decimals; halves are rounded to the even digit.
func BRound(c spark.Column, decimals any) spark.Column {
	return spark.Call("bround", c, decimals)
}

// Sqrt is the square root.
func Sqrt(c spark.Column) spark.Column {
	return spark.Call("sqrt", c)
}

// Cbrt is the cube root.
func Cbrt(c spark.Column) spark.Column {
	return spark.Call("cbrt", c)
}

// Exp is e to the power of the number.
func Exp(c spark.Column) spark.Column {
	return spark.Call("exp", c)
}

// Expm1 is Exp minus 1, exact near 0.
func Expm1(c spark.Column) spark.Column {
	return spark.Call("expm1", c)
}

// Ln is the natural logarithm.
func Ln(c spark.Column) spark.Column {
	return spark.Call("ln", c)
}

// Log is the logarithm to a base.
func Log(base any, c spark.Column) spark.Column {
	return spark.Call("log", base, c)
}

// Log10 is the logarithm to base 10.
func Log10(c spark.Column) spark.Column {
	return spark.Call("log10", c)
}

// Log2 is the logarithm to base 2.
func Log2(c spark.Column) spark.Column {
	return spark.Call("log2", c)
}

// Log1p is the natural logarithm of the number plus 1, exact near 0.
func Log1p(c spark.Column) spark.Column {
	return spark.Call("log1p", c)
}

// Pow is the number to the power of the exponent.
func Pow(c spark.Column, exponent any) spark.Column {
	return spark.Call("pow", c, exponent)
}

// Signum is -1, 0 or 1 by the sign.
func Signum(c spark.Column) spark.Column {
	return spark.Call("signum", c)
}

// Sin is the sine of an angle in radians.
func Sin(c spark.Column) spark.Column {
	return spark.Call("sin", c)
}

// Cos is the cosine of an angle in radians.
func Cos(c spark.Column) spark.Column {
	return spark.Call("cos", c)
}

// Tan is the tangent of an angle in radians.
func Tan(c spark.Column) spark.Column {
	return spark.Call("tan", c)
}

// Asin is the arc sine, in radians.
func Asin(c spark.Column) spark.Column {
	return spark.Call("asin", c)
}

// Acos is the arc cosine, in radians.
func Acos(c spark.Column) spark.Column {
	return spark.Call("acos", c)
}

// Atan is the arc tangent, in radians.
func Atan(c spark.Column) spark.Column {
	return spark.Call("atan", c)
}

// Atan2 is the angle of the point with the ordinate c and the abscissa x, in radians.
func Atan2(c spark.Column, x spark.Column) spark.Column {
	return spark.Call("atan2", c, x)
}

// Degrees is radians as degrees.
func Degrees(c spark.Column) spark.Column {
	return spark.Call("degrees", c)
}

// Radians is degrees as radians.
func Radians(c spark.Column) spark.Column {
	return spark.Call("radians", c)
}

// PMod is the remainder, which is not negative for a positive divisor.
func PMod(c spark.Column, divisor any) spark.Column {
	return spark.Call("pmod", c, divisor)
}

// Factorial is the factorial of a number from 0 to 20.
func Factorial(c spark.Column) spark.Column {
	return spark.Call("factorial", c)
}

// Greatest is the greatest of the values that are not NULL.
func Greatest(columns ...any) spark.Column {
	return spark.Call("greatest", columns...)
}

// Least is the smallest of the values that are not NULL.
func Least(columns ...any) spark.Column {
	return spark.Call("least", columns...)
}

// Rand is a random number from 0 to 1 for each row.
func Rand(seed any) spark.Column {
	return spark.Call("rand", seed)
}

// Randn is a random number of the standard normal distribution for each row.
func Randn(seed any) spark.Column {
	return spark.Call("randn", seed)
}

// Bin is a whole number in binary digits.
func Bin(c spark.Column) spark.Column {
	return spark.Call("bin", c)
}

// Conv is a number, written in base from, in base to.
func Conv(c spark.Column, from any, to any) spark.Column {
	return spark.Call("conv", c, from, to)
}

// Hash is a hash of 32 bits, Murmur 3.
func Hash(columns ...any) spark.Column {
	return spark.Call("hash", columns...)
}

// XXHash64 is a hash of 64 bits, xxHash.
func XXHash64(columns ...any) spark.Column {
	return spark.Call("xxhash64", columns...)
}

// CRC32 is the CRC-32 of a BINARY.
func CRC32(c spark.Column) spark.Column {
	return spark.Call("crc32", c)
}

// ShiftLeft is the number shifted left.
func ShiftLeft(c spark.Column, bits any) spark.Column {
	return spark.Call("shiftleft", c, bits)
}

// ShiftRight is the number shifted right, with its sign.
func ShiftRight(c spark.Column, bits any) spark.Column {
	return spark.Call("shiftright", c, bits)
}

// WidthBucket is the number of the bucket, of so many of equal width from low to high.
func WidthBucket(c spark.Column, low any, high any, buckets any) spark.Column {
	return spark.Call("width_bucket", c, low, high, buckets)
}

// TryDivide is the quotient, or NULL for a divisor of 0.
func TryDivide(c spark.Column, divisor any) spark.Column {
	return spark.Call("try_divide", c, divisor)
}

// TryAdd is the sum, or NULL if it overflows.
func TryAdd(c spark.Column, other any) spark.Column {
	return spark.Call("try_add", c, other)
}

// TrySubtract is the difference, or NULL if it overflows.
func TrySubtract(c spark.Column, other any) spark.Column {
	return spark.Call("try_subtract", c, other)
}

// TryMultiply is the product, or NULL if it overflows.
func TryMultiply(c spark.Column, other any) spark.Column {
	return spark.Call("try_multiply", c, other)
}
