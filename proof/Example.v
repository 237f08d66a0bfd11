(** * A small machine that satisfies all eight premises

    Two harts that take turns, a shared cell, a register each, and a step counter in the state.
    Hart 0 fetches a value from outside and adds it to the cell; hart 1 doubles the cell into its
    register; an event is an interrupt that writes the cell. So the theorem is not empty: there
    are machines of which it speaks, with inputs, events and more than one hart. *)

From Coq Require Import List Lia.
From CASMotion Require Import Machine Replay Premises Sufficiency Corollaries TimePoint Honest.
Import ListNotations.

Record State := {
  steps : nat;
  turn : Hart;
  cell : nat;
  registers : nat * nat
}.

Definition small : Machine State nat nat :=
  {| delta := fun s =>
       match turn s with
       | 0 => (0, Fetches (fun x =>
           {| steps := S (steps s); turn := 1; cell := cell s + x;
              registers := (x, snd (registers s)) |}))
       | _ => (1, Computes
           {| steps := S (steps s); turn := 0; cell := cell s;
              registers := (fst (registers s), 2 * cell s) |})
       end;
     alpha := fun e s =>
       {| steps := steps s; turn := turn s; cell := e; registers := registers s |} |}.

Definition power_on : State := {| steps := 0; turn := 0; cell := 1; registers := (0, 0) |}.

(** Whatever the outside does, all eight premises hold. *)
Theorem small_machine_premises script :
  let r := run_of_script small power_on script in
  premises (honest_recording steps r) (honest_replayer small steps power_on)
    (entries_of steps r).
Proof.
  intros r. apply (honest_premises small steps r lt).
  - apply script_makes_run.
  - lia.
  - lia.
  - intros s [h x|e|] t Hm; simpl in Hm.
    + unfold conforms in Hm. simpl in Hm. destruct (turn s).
      * destruct Hm as (_ & v & _ & ->). simpl. lia.
      * destruct Hm as (_ & _ & ->). simpl. lia.
    + subst t. left. reflexivity.
    + contradiction.
Qed.

Corollary small_machine_replays script :
  let r := run_of_script small power_on script in
  succeeds (honest_replayer small steps power_on) (entries_of steps r) r.
Proof. intros r. apply (sufficiency (honest_recording steps r)), small_machine_premises. Qed.

(** One such run, to look at: hart 0 is given 5, hart 1 steps, an interrupt writes 7, hart 0 is
    given 2, two more interrupts come at one time point. *)
Definition script : list (nat + nat) := [inl 5; inl 0; inr 7; inl 2; inr 9; inr 8; inl 0].
Definition recorded := run_of_script small power_on script.

Example its_moves : map fst (moves recorded) =
  [Ran 0 (Some 5); Ran 1 None; Applied 7; Ran 0 (Some 2); Applied 9; Applied 8; Ran 1 None].
Proof. reflexivity. Qed.

Example its_log : entries_of steps recorded =
  [(0, Fetched 5); (2, Happened 7); (2, Fetched 2); (3, Happened 9); (3, Happened 8)].
Proof. reflexivity. Qed.

Example its_end : end_state power_on (moves recorded) =
  {| steps := 4; turn := 0; cell := 8; registers := (2, 16) |}.
Proof. reflexivity. Qed.

(** ** The weak form of replay is weaker

    One event, after two steps. The other run has the recorded states before and after the event,
    and another one between power-on and there. *)
Module WeakIsWeaker.
  Definition recorded : Run nat nat nat :=
    {| start := 0; moves := [(Ran 0 None, 1); (Ran 0 None, 2); (Applied 0, 3)] |}.
  Definition other : Run nat nat nat :=
    {| start := 0; moves := [(Ran 0 None, 9); (Ran 0 None, 2); (Applied 0, 3)] |}.

  Theorem weak_does_not_imply_strong :
    is_replay_at_events other recorded /\ ~ is_replay other recorded.
  Proof.
    split.
    - intros [|[|[|i]]] s e t H; simpl in H; try discriminate.
      + injection H as <- _ <-. split; reflexivity.
      + destruct i; discriminate.
    - intros H. specialize (H 1 1 eq_refl). discriminate.
  Qed.
End WeakIsWeaker.
