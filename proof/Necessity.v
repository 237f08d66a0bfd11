(** * Each premise is needed

    For each of the eight a recording and a replaying system that satisfy the other seven, and a
    replay that fails: it comes to a state that is not the recorded one. So none of the eight
    follows from the others, and none can be left out.

    All share one small world: a state is a step counter and a value; an input and an event are
    numbers. *)

From Coq Require Import List Permutation Lia.
From CASMotion Require Import Machine Replay Premises Sufficiency TimePoint.
Import ListNotations.

Definition State := (nat * nat)%type.
Notation Recording := (Recording State nat nat nat).
Notation System := (System State nat nat nat).
Notation Log := (Log nat nat nat).

(** The eight by number. *)
Definition premise (n : nat) (rec : Recording) (p : System) (read : Log) : Prop :=
  match n with
  | 1 => C1 rec p
  | 2 => C2 rec p
  | 3 => C3 rec p
  | 4 => C4 rec p
  | 5 => C5 rec p
  | 6 => C6 rec p
  | 7 => C7 rec
  | 8 => C8 rec read
  | _ => True
  end.

Definition needed (n : nat) : Prop :=
  exists rec p read,
    (forall k, k <> n -> premise k rec p read) /\ ~ premise n rec p read /\
    fails p read (made rec).

(** ** The common ground: a machine that does everything right *)

(** A step counts and keeps the value; or fetches a value, where the counter is 10 or more. An
    event doubles the value and adds its number, so that the order of events shows. *)
Definition ticks (s : State) : Hart * Instruction State nat :=
  if Nat.leb 10 (fst s) then (0, Fetches (fun x => (S (fst s), x)))
  else (0, Computes (S (fst s), snd s)).
Definition doubles (e : nat) (s : State) : State := (fst s, 2 * snd s + e).

Definition good : System :=
  {| starts := fun s => s = (0, 0);
     step := conforms ticks;
     effect := fun e s t => t = doubles e s;
     stray := fun _ _ => False;
     fetch := fun s log x rest => log = (fst s, Fetched x) :: rest;
     key := fst |}.

Definition recording_of (r : Run State nat nat) (w : Log) : Recording :=
  {| made := r; stamp := fst; written := w |}.

(** Goes through a short run, transition by transition. *)
Ltac each_move :=
  simpl; intros; repeat match goal with
  | H : False |- _ => contradiction
  | H : _ \/ _ |- _ => destruct H as [H|H]
  | H : (_, _, _) = (_, _, _) |- _ => injection H; clear H; intros; subst
  | H : Ran _ _ = Applied _ |- _ => discriminate
  | H : Applied _ = Ran _ _ |- _ => discriminate
  end; try discriminate.

Ltac easy_C1 := unfold C1; simpl; reflexivity.
Ltac easy_C2 d := exists d; each_move; (split; [unfold conforms; simpl; eauto | reflexivity]).
Ltac easy_C3 := split; [simpl; apply Permutation_refl | each_move; simpl; reflexivity].
Ltac easy_C4 := intros s l t H; split; [revert H; each_move | each_move; auto].
Ltac easy_C5 := exists doubles; each_move; (split; reflexivity).
Ltac easy_C6 := split;
  [ exists lt; split; [intros; lia | split; [intros; lia | split;
      [each_move; simpl; lia
      | simpl; repeat match goal with |- _ /\ _ => split end; try exact I;
        intros; simpl in *; intuition lia]]]
  | each_move; reflexivity ].
Ltac easy_C7 := intros k; apply subseq_refl.
Ltac easy_C8 := reflexivity.

(** All but the one that [k <> n] excludes; [d] says what a step does. *)
Ltac other_seven d :=
  intros k Hk; destruct k as [|[|[|[|[|[|[|[|[|k]]]]]]]]]; simpl; try exact I;
  [ first [contradiction | easy_C1]
  | first [contradiction | easy_C2 d]
  | first [contradiction | easy_C3]
  | first [contradiction | easy_C4]
  | first [contradiction | easy_C5]
  | first [contradiction | easy_C6]
  | first [contradiction | easy_C7]
  | first [contradiction | easy_C8] ].

(** ** C1: it may be switched on in another state (uninitialised memory, another image) *)
Definition one_step : Run State nat nat := {| start := (0, 0); moves := [(Ran 0 None, (1, 0))] |}.

Definition other_start : System :=
  {| starts := fun s => s = (0, 0) \/ s = (0, 1);
     step := step good; effect := effect good; stray := stray good; fetch := fetch good;
     key := key good |}.

Theorem C1_needed : needed 1.
Proof.
  exists (recording_of one_step []), other_start, []. split; [|split].
  - other_seven ticks.
  - simpl. unfold C1. simpl. intros H. destruct (H (0, 1)) as [H1 _].
    specialize (H1 (or_intror eq_refl)). discriminate.
  - exists {| start := (0, 1); moves := [] |}, 0, (0, 1), (0, 0).
    repeat split; [simpl; auto | eexists; constructor | discriminate].
Qed.

(** ** C2: an instruction leaves a result undefined (x86's flags, an estimate of a root) *)
Definition undefined_result : System :=
  {| starts := starts good;
     step := fun h s x t => h = 0 /\ x = None /\
       (t = (S (fst s), snd s) \/ t = (S (fst s), S (snd s)));
     effect := effect good; stray := stray good; fetch := fetch good; key := key good |}.

Theorem C2_needed : needed 2.
Proof.
  exists (recording_of one_step []), undefined_result, []. split; [|split].
  - other_seven ticks.
  - intros [d H]. destruct (H (0, 0) 0 None (1, 0) ltac:(simpl; auto)) as [Hc Hs].
    assert (conforms d 0 (0, 0) None (1, 1)) as Hc'.
    { apply Hs. simpl. auto. }
    unfold conforms in *. destruct (d (0, 0)) as [h [t|f]].
    + destruct Hc as (_ & _ & <-), Hc' as (_ & _ & Hc'). discriminate.
    + destruct Hc as (_ & v & Hv & _). discriminate.
  - exists {| start := (0, 0); moves := [(Ran 0 None, (1, 1))] |}, 1, (1, 1), (1, 0).
    repeat split; try discriminate. exists ((1, 1), []). econstructor; [|constructor].
    apply move_of_cases. simpl. split; [intros (e & rest & E); discriminate|].
    exists (1, 1). simpl. auto.
Qed.

(** ** C3: a value from outside is not logged (RDTSC that nobody intercepts) *)
Definition one_fetch : Run State nat nat :=
  {| start := (10, 0); moves := [(Ran 0 (Some 5), (11, 5))] |}.

Definition live_clock : System :=
  {| starts := fun s => s = (10, 0); step := step good; effect := effect good;
     stray := stray good; fetch := fun _ log _ rest => rest = log; key := key good |}.

Lemma subseq_empty {A} (l : list A) : Subseq [] l.
Proof. induction l; constructor; assumption. Qed.

Theorem C3_needed : needed 3.
Proof.
  exists (recording_of one_fetch []), live_clock, []. split; [|split].
  - intros k Hk. destruct k as [|[|[|[|[|[|[|[|[|k]]]]]]]]]; simpl; try exact I;
      [easy_C1 | easy_C2 ticks | contradiction | easy_C4 | easy_C5 | easy_C6 | | easy_C8].
    intros k. apply subseq_empty.
  - intros [H _]. simpl in H. apply Permutation_nil in H. discriminate.
  - exists {| start := (10, 0); moves := [(Ran 0 (Some 6), (11, 6))] |}, 1, (11, 6), (11, 5).
    repeat split; try discriminate. exists ((11, 6), []). econstructor; [|constructor].
    apply move_of_cases. simpl. split; [intros (e & rest & E); discriminate|].
    exists (11, 6), []. repeat split. unfold conforms. simpl. eauto.
Qed.

(** ** C4: something writes memory behind the machine's back (DMA that is no event) *)
Definition wild_write : System :=
  {| starts := starts good; step := step good; effect := effect good;
     stray := fun s t => t = (fst s, S (snd s)); fetch := fetch good; key := key good |}.

Theorem C4_needed : needed 4.
Proof.
  exists (recording_of one_step []), wild_write, []. split; [|split].
  - other_seven ticks.
  - intros H. destruct (H (0, 0) (Ran 0 None) (1, 0) ltac:(simpl; auto)) as [_ Hs].
    apply (Hs (0, 1)). reflexivity.
  - exists {| start := (0, 0); moves := [(Stray, (0, 1))] |}, 1, (0, 1), (1, 0).
    repeat split; try discriminate. exists ((0, 1), []). econstructor; [|constructor].
    apply move_of_cases. simpl. eauto.
Qed.

(** ** C5: an event does not always do the same (a device that asks the host how full it is) *)
Definition one_event : Run State nat nat := {| start := (0, 0); moves := [(Applied 1, (0, 1))] |}.

Definition moody_device : System :=
  {| starts := starts good; step := step good;
     effect := fun e s t => t = doubles e s \/ t = s;
     stray := stray good; fetch := fetch good; key := key good |}.

Theorem C5_needed : needed 5.
Proof.
  exists (recording_of one_event [(0, Happened 1)]), moody_device, [(0, Happened 1)].
  split; [|split].
  - other_seven ticks.
  - intros [a H]. destruct (H (0, 0) 1 (0, 1) ltac:(simpl; auto)) as [Ha He].
    assert ((0, 0) = a 1 (0, 0)) as E by (apply He; simpl; auto).
    rewrite <- Ha in E. discriminate.
  - exists {| start := (0, 0); moves := [(Applied 1, (0, 0))] |}, 1, (0, 0), (0, 1).
    repeat split; try discriminate. exists ((0, 0), []). econstructor; [|constructor].
    apply move_of_cases. simpl. exists (0, 0), []. auto.
Qed.

(** ** C6: two places have one name (REP without ECX), and the event comes at the first of them *)
Definition event_after_step : Run State nat nat :=
  {| start := (0, 0); moves := [(Ran 0 None, (1, 0)); (Applied 1, (1, 1))] |}.

Definition nameless (r : Run State nat nat) (w : Log) : Recording :=
  {| made := r; stamp := fun _ => 0; written := w |}.

Definition sees_no_register : System :=
  {| starts := starts good; step := step good; effect := effect good; stray := stray good;
     fetch := fun s log x rest => log = (0, Fetched x) :: rest; key := fun _ => 0 |}.

Theorem C6_needed : needed 6.
Proof.
  exists (nameless event_after_step [(0, Happened 1)]), sees_no_register, [(0, Happened 1)].
  split; [|split].
  - other_seven ticks.
  - apply (repetition_breaks_C6 _ _ (0, 0) 0 None (1, 0)); simpl; auto.
  - exists {| start := (0, 0); moves := [(Applied 1, (0, 1))] |}, 1, (0, 1), (1, 0).
    repeat split; try discriminate. exists ((0, 1), []). econstructor; [|constructor].
    apply move_of_cases. simpl. exists (0, 1), []. auto.
Qed.

(** ** C7: two events of one time point changed places in the log *)
Definition two_events : Run State nat nat :=
  {| start := (0, 0); moves := [(Applied 1, (0, 1)); (Applied 2, (0, 4))] |}.

Definition swapped : Log := [(0, Happened 2); (0, Happened 1)].

Theorem C7_needed : needed 7.
Proof.
  exists (recording_of two_events swapped), good, swapped. split; [|split].
  - intros k Hk. destruct k as [|[|[|[|[|[|[|[|[|k]]]]]]]]]; simpl; try exact I;
      [easy_C1 | easy_C2 ticks | | easy_C4 | easy_C5 | easy_C6 | contradiction | easy_C8].
    split; [simpl; apply perm_swap | each_move; reflexivity].
  - intros H. specialize (H 0). apply subseq_same_length in H; [|reflexivity].
    simpl in H. discriminate.
  - exists {| start := (0, 0); moves := [(Applied 2, (0, 2))] |}, 1, (0, 2), (0, 1).
    repeat split; try discriminate. exists ((0, 2), [(0, Happened 1)]).
    econstructor; [|constructor].
    apply move_of_cases. simpl. exists (0, 2), [(0, Happened 1)]. auto.
Qed.

(** ** C8: the end of the log was lost, and nobody noticed *)
Theorem C8_needed : needed 8.
Proof.
  exists (recording_of one_event [(0, Happened 1)]), good, []. split; [|split].
  - other_seven ticks.
  - intros H. unfold premise, C8 in H. discriminate.
  - exists {| start := (0, 0); moves := [(Ran 0 None, (1, 0))] |}, 1, (1, 0), (0, 1).
    repeat split; try discriminate. exists ((1, 0), []). econstructor; [|constructor].
    apply move_of_cases. simpl. split; [intros (e & rest & E); discriminate|].
    exists (1, 0). repeat split.
Qed.

(** All eight at once. *)
Theorem every_premise_needed n : 1 <= n <= 8 -> needed n.
Proof.
  intros H. destruct n as [|[|[|[|[|[|[|[|[|n]]]]]]]]]; try lia.
  - exact C1_needed.
  - exact C2_needed.
  - exact C3_needed.
  - exact C4_needed.
  - exact C5_needed.
  - exact C6_needed.
  - exact C7_needed.
  - exact C8_needed.
Qed.
