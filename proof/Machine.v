(** * The model: states, instructions, events, runs

    A state is all that a guest can observe (docs/architecture.md §3, "State"): registers, memory
    and devices in one value. The theory never looks inside it, nor inside an input, an event or a
    key; each of these is a type of which nothing is assumed.

    Everything in this folder is constructive and uses Coq's standard library alone. *)

From Coq Require Import List.
Import ListNotations.

(** A hardware thread, by its number. *)
Definition Hart := nat.

Section Machine.
  Context {State Input Event Key : Type}.

  (** What one instruction is: a function of the state (classes pure, privileged and sensitive of
      docs/isa.md), or a function of the state and of one value fetched from outside (class
      input; x86's RDTSC is the usual example). *)
  Inductive Instruction :=
  | Computes (t : State)
  | Fetches (f : Input -> State).

  (** A machine as its manual describes it. [delta] says whose step is next and what that step
      does: the schedule of several harts is a function of the state too (Schedules.v shows what
      to do where it is not). [alpha] is the effect of an event, which comes between two steps:
      [machine.apply] of packages/machine. *)
  Record Machine := {
    delta : State -> Hart * Instruction;
    alpha : Event -> State -> State
  }.

  (** A step of hart [h] that fetched [x] (or nothing) from [s] to [t] is what the table of
      instructions [d] says. *)
  Definition conforms (d : State -> Hart * Instruction)
      (h : Hart) (s : State) (x : option Input) (t : State) : Prop :=
    match d s with
    | (h0, Computes t0) => h = h0 /\ x = None /\ t = t0
    | (h0, Fetches f) => h = h0 /\ exists v, x = Some v /\ t = f v
    end.

  (** What may happen to a real machine: hart [h] makes a step; an event comes; or something else
      writes the state. The last is what premise C4 forbids. *)
  Inductive Label :=
  | Ran (h : Hart) (x : option Input)
  | Applied (e : Event)
  | Stray.

  (** A run: where it started, then each move with the state that it led to. Any sequence is a
      run: a recorded machine is a thing of the world, and promises nothing before the premises
      say so. *)
  Record Run := {
    start : State;
    moves : list (Label * State)
  }.

  (** The states of a run, by the number of moves made. *)
  Definition states (r : Run) : list State := start r :: map snd (moves r).
  Definition state_at (r : Run) (i : nat) : option State := nth_error (states r) i.

  (** The same as triples: from, move, to. *)
  Fixpoint transitions (s : State) (ms : list (Label * State)) : list (State * Label * State) :=
    match ms with
    | [] => []
    | (l, t) :: rest => (s, l, t) :: transitions t rest
    end.

  Definition transitions_of (r : Run) := transitions (start r) (moves r).

  (** The state after some moves. *)
  Fixpoint end_state (s : State) (ms : list (Label * State)) : State :=
    match ms with
    | [] => s
    | (_, t) :: rest => end_state t rest
    end.

  (** ** The log

      What the outside gave: a value to an instruction, or an event; each with the time point of
      the place where it was given. One sequence, as docs/format.md has it. *)
  Inductive Item :=
  | Fetched (x : Input)
  | Happened (e : Event).

  Definition Log := list (Key * Item).

  (** What a move takes from outside, stamped with the key of the state before it. *)
  Definition entry (stamp : State -> Key) (s : State) (l : Label) : Log :=
    match l with
    | Ran _ (Some x) => [(stamp s, Fetched x)]
    | Applied e => [(stamp s, Happened e)]
    | _ => []
    end.

  (** All that came from outside during a run, in the order in which it came. *)
  Fixpoint entries (stamp : State -> Key) (s : State) (ms : list (Label * State)) : Log :=
    match ms with
    | [] => []
    | (l, t) :: rest => entry stamp s l ++ entries stamp t rest
    end.

  Definition entries_of (stamp : State -> Key) (r : Run) : Log :=
    entries stamp (start r) (moves r).

  (** ** Cutting runs *)

  (** The first [i] moves; what comes after them, as a run of its own. *)
  Definition prefix (i : nat) (r : Run) : Run :=
    {| start := start r; moves := firstn i (moves r) |}.

  Definition suffix (i : nat) (r : Run) : Run :=
    {| start := end_state (start r) (firstn i (moves r)); moves := skipn i (moves r) |}.

  Lemma end_state_app s ms ms' : end_state s (ms ++ ms') = end_state (end_state s ms) ms'.
  Proof. revert s. induction ms as [|[l t] ms IH]; intros s; simpl; auto. Qed.

  Lemma transitions_app s ms ms' :
    transitions s (ms ++ ms') = transitions s ms ++ transitions (end_state s ms) ms'.
  Proof. revert s. induction ms as [|[l t] ms IH]; intros s; simpl; [|rewrite IH]; auto. Qed.

  Lemma entries_app stamp s ms ms' :
    entries stamp s (ms ++ ms') = entries stamp s ms ++ entries stamp (end_state s ms) ms'.
  Proof.
    revert s. induction ms as [|[l t] ms IH]; intros s; simpl; auto.
    rewrite IH, app_assoc. reflexivity.
  Qed.

  Lemma state_at_start r : state_at r 0 = Some (start r).
  Proof. reflexivity. Qed.

  (** The state after the first [i] moves is the [i]-th state. *)
  Lemma state_at_end_state s ms i :
    i <= length ms -> nth_error (s :: map snd ms) i = Some (end_state s (firstn i ms)).
  Proof.
    revert s ms. induction i as [|i IH]; intros s ms Hi; [reflexivity|].
    destruct ms as [|[l t] ms]; simpl in *; [inversion Hi|].
    apply IH. apply le_S_n. assumption.
  Qed.

  Lemma transitions_prefix i r tr :
    In tr (transitions_of (prefix i r)) -> In tr (transitions_of r).
  Proof.
    unfold transitions_of, prefix. simpl. intros H.
    rewrite <- (firstn_skipn i (moves r)), transitions_app. apply in_or_app. left. exact H.
  Qed.

  Lemma transitions_suffix i r tr :
    In tr (transitions_of (suffix i r)) -> In tr (transitions_of r).
  Proof.
    unfold transitions_of, suffix. simpl. intros H.
    rewrite <- (firstn_skipn i (moves r)), transitions_app. apply in_or_app. right. exact H.
  Qed.
End Machine.

Arguments Instruction : clear implicits.
Arguments Machine : clear implicits.
Arguments Label : clear implicits.
Arguments Run : clear implicits.
Arguments Item : clear implicits.
Arguments Log : clear implicits.
