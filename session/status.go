package session

// Status is how a code stands. Outside, [Redeemed] reads as [Confirmed]; see
// [Status.Code].
type Status int8

// The numbers are stored; those up to Canceled are also the contract's.
const (
	Waiting   Status = 0  // not scanned
	Scanned   Status = 1  // scanned, the user has not decided
	Confirmed Status = 2  // the user agreed; the ticket may be exchanged
	Canceled  Status = 3  // the user declined
	Redeemed  Status = 4  // the ticket was exchanged
	Expired   Status = -1 // over by time, or withdrawn by the browser
)

// Over reports whether nothing can happen to the code any more.
func (s Status) Over() bool {
	return s == Canceled || s == Redeemed || s == Expired
}

// Code returns the number that clients see: 0, 1, 2, 3 or -1.
func (s Status) Code() int {
	if s == Redeemed {
		return int(Confirmed)
	}
	return int(s)
}

// Event returns the word that clients see beside the number.
func (s Status) Event() string {
	switch s {
	case Waiting:
		return "waiting"
	case Scanned:
		return "scanned"
	case Confirmed, Redeemed:
		return "confirmed"
	case Canceled:
		return "canceled"
	default:
		return "expired"
	}
}
