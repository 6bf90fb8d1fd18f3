package wakeup

import "testing"

func TestASignalIsReceivedOnceHoweverOftenItWasSet(t *testing.T) {
	s := New()
	for round := range 2 {
		s.Set()
		s.Set()
		select {
		case <-s:
		default:
			t.Fatalf("round %d: the signal was lost", round)
		}
		select {
		case <-s:
			t.Fatalf("round %d: it was received twice", round)
		default:
		}
	}
}

func TestSetWakesAWaitingReceiver(t *testing.T) {
	s, woken := New(), make(chan struct{})
	go func() {
		<-s
		close(woken)
	}()
	s.Set()
	<-woken
}
