package config

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"regexp"
)

// minContrast is what WCAG 2.2 requires of text: success criterion 1.4.3, level AA.
const minContrast = 4.5

var colorPattern = regexp.MustCompile(`^#[0-9A-Fa-f]{6}$`)

// checkColor accepts a color on which white text can be read, and which can be read on white.
func checkColor(text string) error {
	if !colorPattern.MatchString(text) {
		return errors.New(`must be #rrggbb with hexadecimal digits, such as #0b6e4f; only YAML needs quotes around it`)
	}
	color, _ := hex.DecodeString(text[1:]) // was matched
	contrast := contrastWithWhite(color)
	if contrast >= minContrast {
		return nil
	}
	dark := darkened(color)
	return fmt.Errorf("has a contrast of %.1f:1 with white, and text needs %.1f:1; use a darker color, such as \"#%02x%02x%02x\"",
		math.Floor(contrast*10)/10, minContrast, dark[0], dark[1], dark[2])
}

// contrastWithWhite is the contrast ratio of WCAG 2.2, from 1 to 21.
func contrastWithWhite(color []byte) float64 {
	weights := [3]float64{0.2126, 0.7152, 0.0722}
	luminance := 0.0
	for i, value := range color {
		c := float64(value) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		luminance += weights[i] * c
	}
	return 1.05 / (luminance + 0.05)
}

// darkened returns the lightest shade of a color that has the contrast.
func darkened(color []byte) []byte {
	dark := make([]byte, len(color))
	for percent := 99; percent > 0; percent-- {
		for i, value := range color {
			dark[i] = byte(int(value) * percent / 100) // #nosec G115 -- less than value
		}
		if contrastWithWhite(dark) >= minContrast {
			break
		}
	}
	return dark
}
