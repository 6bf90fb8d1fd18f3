package draw

import (
	"fmt"

	"github.com/skip2/go-qrcode"
)

// Terminal returns a picture of text in block characters, two modules a character, with the
// quiet zone. It is for terminals with light text on a dark background; most cameras read the
// inverted picture of others, too. The error is that text is too long for a code.
func Terminal(text string) (string, error) {
	code, err := qrcode.New(text, qrcode.Medium)
	if err != nil {
		return "", fmt.Errorf("qr code: %w", err)
	}
	return code.ToSmallString(false), nil
}
