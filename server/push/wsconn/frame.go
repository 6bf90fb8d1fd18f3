package wsconn

import "encoding/binary"

// First bytes of frames, which are not continued (RFC 6455, 5.2).
const (
	textByte  = 0x81
	closeByte = 0x88
	pingByte  = 0x89
	pongByte  = 0x8a
)

// Frames without variable parts.
var (
	pingFrame    = []byte{pingByte, 0}
	notUTF8Frame = []byte{closeByte, 2, 0x03, 0xef} // StatusInvalidPayload, no reason
)

// maxHeader is the size of the longest header of a server's frame.
const maxHeader = 10

// appendText appends a text frame.
func appendText(frames, text []byte) []byte {
	frames = append(frames, textByte)
	switch n := len(text); {
	case n < 126:
		frames = append(frames, byte(n)) // #nosec G115 -- below 126
	case n < 1<<16:
		frames = binary.BigEndian.AppendUint16(append(frames, 126), uint16(n)) // #nosec G115 -- below 65,536
	default:
		frames = binary.BigEndian.AppendUint64(append(frames, 127), uint64(n)) // #nosec G115 -- a length
	}
	return append(frames, text...)
}

// append appends the frame.
func (f *CloseFrame) append(frames []byte) []byte {
	reason := f.Reason[:min(len(f.Reason), maxReason)]
	frames = append(frames, closeByte, byte(2+len(reason)))                         // #nosec G115 -- at most 125
	return append(binary.BigEndian.AppendUint16(frames, uint16(f.Code)), reason...) // #nosec G115 -- a status code
}
