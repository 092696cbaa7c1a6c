package theme

import (
	"image/color"
	"math"

	"charm.land/lipgloss/v2"
)

// Ink is the colour of text on a ground: black or white, whichever stands out more. One of them always has a contrast
// of at least 4.58, since black on L and white on L have a product of contrasts of 21.
func Ink(ground color.Color) color.Color {
	if ground == nil {
		return nil
	}
	black, white := lipgloss.Color("#000000"), lipgloss.Color("#ffffff")
	if Contrast(ground, black) >= Contrast(ground, white) {
		return black
	}
	return white
}

// Contrast is the contrast ratio of two colours, 1 to 21 (WCAG 2.2, definition of "contrast ratio").
func Contrast(a, b color.Color) float64 {
	la, lb := Luminance(a), Luminance(b)
	if la < lb {
		la, lb = lb, la
	}
	return (la + 0.05) / (lb + 0.05)
}

// Luminance is a colour's relative luminance, 0 to 1 (WCAG 2.2, definition of "relative luminance").
func Luminance(c color.Color) float64 {
	r, g, b := Linear(c)
	return 0.2126*r + 0.7152*g + 0.0722*b
}

// Linear gives a colour's parts in linear sRGB, 0 to 1 each.
func Linear(c color.Color) (r, g, b float64) {
	r16, g16, b16, _ := c.RGBA()
	return linear(r16), linear(g16), linear(b16)
}

func linear(v uint32) float64 {
	x := float64(v) / 0xffff
	if x <= 0.04045 {
		return x / 12.92
	}
	return math.Pow((x+0.055)/1.055, 2.4)
}
