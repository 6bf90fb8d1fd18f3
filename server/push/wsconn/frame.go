package wsconn

import "encoding/binary"

// closeByte is the first byte of a close frame.
const closeByte = 0x88

// Frames that are written past the library (RFC 6455, 5.5).
var (
	pingFrame    = []byte{0x89, 0}
	notUTF8Frame = []byte{closeByte, 2, 0x03, 0xef} // StatusInvalidPayload, no reason
)

// frameSize is the number of bytes of the server's frame that begins with p, which
// contains the complete header (RFC 6455, 5.2).
func frameSize(p []byte) int {
	switch {
	case len(p) >= 10 && p[1] == 127:
		return 10 + int(binary.BigEndian.Uint64(p[2:])) // #nosec G115 -- the library's
	case len(p) >= 4 && p[1] == 126:
		return 4 + int(binary.BigEndian.Uint16(p[2:]))
	case len(p) >= 2:
		return 2 + int(p[1])
	}
	return len(p)
}
