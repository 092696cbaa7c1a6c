package theme

import (
	"image/color"
	"slices"

	"charm.land/lipgloss/v2"
)

func hex(s string) color.Color { return lipgloss.Color(s) }

// Dark is for terminals with a dark ground.
func Dark() Theme {
	return Theme{
		Name: "dark", Ground: hex("#1e1e1e"),
		Text: hex("#e6e6e6"), Muted: hex("#a8a8a8"), Off: hex("#8c8c8c"), Rule: hex("#6e6e6e"), Accent: hex("#7cc4ff"),
		Good: hex("#3ddc84"), Bad: hex("#e5383b"), Warn: hex("#ffc145"), Busy: hex("#5aa9ff"), Ask: hex("#d0a0ff"),
		GoodText: hex("#3ddc84"), BadText: hex("#ff8080"), WarnText: hex("#ffc145"), BusyText: hex("#7cc4ff"), AskText: hex("#d0a0ff"),
		Work: hex("#10263c"), Idle: hex("#262626"),
	}
}

// Light is for terminals with a light ground.
func Light() Theme {
	return Theme{
		Name: "light", Ground: hex("#fafafa"),
		Text: hex("#1c1c1c"), Muted: hex("#595959"), Off: hex("#6e6e6e"), Rule: hex("#8c8c8c"), Accent: hex("#0050a0"),
		Good: hex("#6fdc95"), Bad: hex("#b00020"), Warn: hex("#ffb300"), Busy: hex("#0050a0"), Ask: hex("#e3b8ff"),
		GoodText: hex("#006a2c"), BadText: hex("#b00020"), WarnText: hex("#7a4800"), BusyText: hex("#0050a0"), AskText: hex("#6a1fb0"),
		Work: hex("#dcebfa"), Idle: hex("#ececec"),
	}
}

// contrastDark is white on black, every pair at least 7:1 (WCAG 2.2, 1.4.6).
func contrastDark() Theme {
	return Theme{
		Name: "contrast", Ground: hex("#000000"), Paint: true,
		Text: hex("#ffffff"), Muted: hex("#d0d0d0"), Off: hex("#a8a8a8"), Rule: hex("#ffffff"), Accent: hex("#66d9ff"),
		Good: hex("#00ff66"), Bad: hex("#a80000"), Warn: hex("#ffff00"), Busy: hex("#66d9ff"), Ask: hex("#ffb3ff"),
		GoodText: hex("#00ff66"), BadText: hex("#ff8f8f"), WarnText: hex("#ffff00"), BusyText: hex("#66d9ff"), AskText: hex("#ffb3ff"),
		Work: hex("#001f3f"), Idle: hex("#000000"),
	}
}

// contrastLight is black on white, every pair at least 7:1.
func contrastLight() Theme {
	return Theme{
		Name: "contrast", Ground: hex("#ffffff"), Paint: true,
		Text: hex("#000000"), Muted: hex("#333333"), Off: hex("#4d4d4d"), Rule: hex("#000000"), Accent: hex("#003a8c"),
		Good: hex("#5ef08f"), Bad: hex("#8b0000"), Warn: hex("#ffd000"), Busy: hex("#003a8c"), Ask: hex("#f0b3ff"),
		GoodText: hex("#004d1a"), BadText: hex("#8b0000"), WarnText: hex("#4a3600"), BusyText: hex("#003a8c"), AskText: hex("#5a0080"),
		Work: hex("#dcebff"), Idle: hex("#ffffff"),
	}
}

// colourblindDark tells good from bad as blue from orange, which people with any of the three dichromacies see apart.
func colourblindDark() Theme {
	return Theme{
		Name: "colourblind", Ground: hex("#1e1e1e"),
		Text: hex("#e6e6e6"), Muted: hex("#a8a8a8"), Off: hex("#8c8c8c"), Rule: hex("#6e6e6e"), Accent: hex("#9fd3ff"),
		Good: hex("#3d97ff"), Bad: hex("#e8590c"), Warn: hex("#ffe97a"), Busy: hex("#7a8590"), Ask: hex("#f5a3d3"),
		GoodText: hex("#6cb2ff"), BadText: hex("#ff9147"), WarnText: hex("#ffe97a"), BusyText: hex("#c4ccd4"), AskText: hex("#f5a3d3"),
		Work: hex("#10263c"), Idle: hex("#262626"),
	}
}

func colourblindLight() Theme {
	return Theme{
		Name: "colourblind", Ground: hex("#fafafa"),
		Text: hex("#1c1c1c"), Muted: hex("#595959"), Off: hex("#6e6e6e"), Rule: hex("#8c8c8c"), Accent: hex("#004a99"),
		Good: hex("#0055b3"), Bad: hex("#e0610f"), Warn: hex("#ffe36b"), Busy: hex("#68727c"), Ask: hex("#f2a7d5"),
		GoodText: hex("#0055b3"), BadText: hex("#a83e00"), WarnText: hex("#665200"), BusyText: hex("#4d5660"), AskText: hex("#8a2d6b"),
		Work: hex("#dcebfa"), Idle: hex("#ececec"),
	}
}

// Mono is for NO_COLOR and for terminals without colours.
func Mono() Theme { return Theme{Name: "mono", Mono: true} }

// Names lists what [ByName] knows. "auto" is dark or light, as the terminal is.
func Names() []string {
	return []string{"auto", "dark", "light", "contrast", "colourblind", "mono"}
}

// ByName gives the theme of a name for a terminal whose ground is dark or not. The empty name is "auto". False: there is
// no such theme, and what comes back is "auto".
func ByName(name string, dark bool) (Theme, bool) {
	pick := func(onDark, onLight func() Theme) Theme {
		if dark {
			return onDark()
		}
		return onLight()
	}
	switch name {
	case "dark":
		return Dark(), true
	case "light":
		return Light(), true
	case "contrast":
		return pick(contrastDark, contrastLight), true
	case "colourblind":
		return pick(colourblindDark, colourblindLight), true
	case "mono":
		t := Mono()
		t.Light = !dark
		return t, true
	default:
		return pick(Dark, Light), name == "" || slices.Contains(Names(), name)
	}
}
