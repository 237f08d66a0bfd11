(** * The eight premises

    Each is a property of four things: a recorded run with the stamp that its recorder put on
    events, the log that was written, the system that is to replay it, and the log that it reads.
    docs/architecture.md §1 has the same eight with the code that makes them true.

    They ask no more than the proof needs: only of states that the recorded run went through, and
    each only at moves of its own sort. *)

From Coq Require Import List Permutation.
From CASMotion Require Import Machine Replay.
Import ListNotations.

(** Keys can be compared. *)
Class EqDec (A : Type) := eq_dec : forall a b : A, {a = b} + {a <> b}.

(** [Subseq small large]: what is left of [large] when some of it is crossed out. *)
Inductive Subseq {A} : list A -> list A -> Prop :=
| subseq_nil : Subseq [] []
| subseq_skip a small large : Subseq small large -> Subseq small (a :: large)
| subseq_take a small large : Subseq small large -> Subseq (a :: small) (a :: large).

Section Premises.
  Context {State Input Event Key : Type} {keys : EqDec Key}.
  Notation Label := (Label Input Event).
  Notation Run := (Run State Input Event).
  Notation Log := (Log Input Event Key).
  Notation System := (System State Input Event Key).

  (** What recording leaves behind: the run itself (which nobody has any more), how places were
      named, and what was written. *)
  Record Recording := {
    made : Run;
    stamp : State -> Key;
    written : Log
  }.

  (** The part of a log that stands at one time point. *)
  Definition at_key (k : Key) (log : Log) : Log :=
    filter (fun entry => if eq_dec (fst entry) k then true else false) log.

  (** Never falling, in the order [before]. *)
  Fixpoint ascending (before : Key -> Key -> Prop) (log : Log) : Prop :=
    match log with
    | [] => True
    | (k, _) :: rest =>
      (forall k', In k' (map fst rest) -> k = k' \/ before k k') /\ ascending before rest
    end.

  (** A step goes on to a later time point; an event stays at its own, or goes on (an interrupt
      is a transfer of control, and a counter of branches counts it). *)
  Definition advances (before : Key -> Key -> Prop) (k : Key) (l : Label) (k' : Key) : Prop :=
    match l with
    | Ran _ _ => before k k'
    | _ => k = k' \/ before k k'
    end.

  (** C1. The initial state is the same. *)
  Definition C1 (rec : Recording) (p : System) : Prop :=
    forall s, starts p s <-> s = start (made rec).

  (** C2. A step is a function of the state, and of the value that it fetches if it fetches one:
      one function for both machines. Whose step it is, is part of the function. *)
  Definition C2 (rec : Recording) (p : System) : Prop :=
    exists d : State -> Hart * Instruction State Input,
      forall s h x t, In (s, Ran h x, t) (transitions_of (made rec)) ->
        conforms d h s x t /\
        forall h' x' t', step p h' s x' t' <-> conforms d h' s x' t'.

  (** C3. Every value from outside is logged, fetched values and events alike, nothing else is;
      and a step that fetches in the replay is given the log's next value. *)
  Definition C3 (rec : Recording) (p : System) : Prop :=
    Permutation (written rec) (entries_of (stamp rec) (made rec)) /\
    forall s h x t, In (s, Ran h (Some x), t) (transitions_of (made rec)) ->
      forall log x' rest, fetch p s log x' rest <-> log = (key p s, Fetched x') :: rest.

  (** C4. Nothing else writes the state, neither in the recorded machine nor in the replaying. *)
  Definition C4 (rec : Recording) (p : System) : Prop :=
    forall s l t, In (s, l, t) (transitions_of (made rec)) ->
      l <> Stray /\ forall t', ~ stray p s t'.

  (** C5. An event has the same effect again. *)
  Definition C5 (rec : Recording) (p : System) : Prop :=
    exists a : Event -> State -> State,
      forall s e t, In (s, Applied e, t) (transitions_of (made rec)) ->
        t = a e s /\ forall t', effect p e s t' <-> t' = a e s.

  (** C6. A time point is unique and ordered: there is an order of keys in which every step of
      the recorded run goes up, the log is written in that order, and the replaying machine shows
      the same key in the same state. *)
  Definition C6 (rec : Recording) (p : System) : Prop :=
    (exists before : Key -> Key -> Prop,
      (forall k, ~ before k k) /\
      (forall a b c, before a b -> before b c -> before a c) /\
      (forall s l t, In (s, l, t) (transitions_of (made rec)) ->
        advances before (stamp rec s) l (stamp rec t)) /\
      ascending before (written rec)) /\
    forall s l t, In (s, l, t) (transitions_of (made rec)) -> key p s = stamp rec s.

  (** C7. What stands at one time point stands there in the order in which it came. *)
  Definition C7 (rec : Recording) : Prop :=
    forall k, Subseq (at_key k (written rec)) (at_key k (entries_of (stamp rec) (made rec))).

  (** C8. The log is whole: what is read is what was written. *)
  Definition C8 (rec : Recording) (read : Log) : Prop := read = written rec.

  Record premises (rec : Recording) (p : System) (read : Log) : Prop := {
    c1 : C1 rec p;
    c2 : C2 rec p;
    c3 : C3 rec p;
    c4 : C4 rec p;
    c5 : C5 rec p;
    c6 : C6 rec p;
    c7 : C7 rec;
    c8 : C8 rec read
  }.
End Premises.

Arguments Recording : clear implicits.
