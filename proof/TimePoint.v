(** * Keys: how a time point gets a name of its own

    packages/time-point/src/key.ts: a machine that counts its own steps needs the step alone; a
    processor that can only count branches needs the program counter beside it, and a register
    where one instruction repeats in place (x86's REP with ECX). Here: when such a key is unique,
    when it is not, and that it then serves as the key of premise C6. *)

From Coq Require Import Arith List Permutation Lia.
From CASMotion Require Import Machine Replay Premises Sufficiency.
Import ListNotations.

(** ** Places of a run

    A run as its counters see it: place [i] is the one after [i] steps. *)
Section Places.
  (** [pc i] and [register i] at place [i]; [counted i]: the step from [i] to [i + 1] is a
      branch that the counter counts. *)
  Variables (pc register : nat -> nat) (counted : nat -> bool).

  Fixpoint branches (i : nat) : nat :=
    match i with
    | 0 => 0
    | S i => (if counted i then 1 else 0) + branches i
    end.

  Lemma branches_monotone i j : i <= j -> branches i <= branches j.
  Proof. intros H. induction H; simpl; lia. Qed.

  Lemma branches_step i : branches (S i) <= S (branches i).
  Proof. simpl. destruct (counted i); lia. Qed.

  (** Uniqueness as it is usually said: if every way back to a program counter passes a counted
      branch, then (branches, pc) names every place once. *)
  Theorem branch_key_unique :
    (forall i j, i < j -> pc i = pc j -> exists k, i <= k < j /\ counted k = true) ->
    forall i j, branches i = branches j -> pc i = pc j -> i = j.
  Proof.
    intros Hback. assert (forall i j, i < j -> branches i = branches j -> pc i <> pc j) as H.
    { intros i j Hij Hb Hpc. destruct (Hback i j Hij Hpc) as (k & Hk & Hc).
      pose proof (branches_monotone i k ltac:(lia)).
      pose proof (branches_monotone (S k) j ltac:(lia)) as H1.
      simpl in H1. rewrite Hc in H1. lia. }
    intros i j Hb Hpc. destruct (lt_eq_lt_dec i j) as [[Hlt|]|Hlt]; [|assumption|]; exfalso.
    - exact (H i j Hlt Hb Hpc).
    - exact (H j i Hlt (eq_sym Hb) (eq_sym Hpc)).
  Qed.

  (** When that is so: the counter counts every transfer of control but fall-through. *)
  Theorem falling_through_passes_branches :
    (forall i, counted i = false -> pc i < pc (S i)) ->
    forall i j, i < j -> pc i = pc j -> exists k, i <= k < j /\ counted k = true.
  Proof.
    intros Hfall i j Hij Hpc.
    assert (forall n, (exists k, i <= k < i + n /\ counted k = true) \/
      (pc i + n <= pc (i + n))) as Hn.
    { induction n as [|n [(k & Hk & Hc)|Hn]].
      - right. rewrite !Nat.add_0_r. lia.
      - left. exists k. split; [lia | assumption].
      - destruct (counted (i + n)) eqn:E; [left; exists (i + n); split; [lia|assumption]|].
        right. apply Hfall in E. replace (i + S n) with (S (i + n)) by lia. lia. }
    destruct (Hn (j - i)) as [(k & Hk & Hc)|H].
    - exists k. split; [lia | assumption].
    - replace (i + (j - i)) with j in H by lia. lia.
  Qed.

  (** Not with an instruction that repeats in place: an uncounted step keeps the program counter,
      and two places have one name. *)
  Theorem repetition_is_ambiguous i :
    counted i = false -> pc (S i) = pc i ->
    branches i = branches (S i) /\ pc i = pc (S i) /\ i <> S i.
  Proof. intros Hc Hpc. simpl. rewrite Hc. auto. Qed.

  (** The cure: a register that tells the repetitions apart. ECX falls during REP. *)
  Hypothesis falls_through_or_repeats : forall i, counted i = false ->
    pc i < pc (S i) \/ (pc (S i) = pc i /\ register (S i) < register i).

  Lemma between_branches n i : branches (i + n) = branches i ->
    n = 0 \/ pc i < pc (i + n) \/ (pc (i + n) = pc i /\ register (i + n) < register i).
  Proof.
    induction n as [|n IH]; intros Hb; [auto|]. right.
    replace (i + S n) with (S (i + n)) in * by lia.
    pose proof (branches_monotone i (i + n) ltac:(lia)).
    simpl in Hb. destruct (counted (i + n)) eqn:E; simpl in Hb; [lia|].
    pose proof (falls_through_or_repeats (i + n) E).
    destruct (IH ltac:(lia)) as [->|H1]; [rewrite Nat.add_0_r in *; lia | lia].
  Qed.

  Theorem register_key_unique i j :
    branches i = branches j -> pc i = pc j -> register i = register j -> i = j.
  Proof.
    assert (forall i j, i < j -> branches i = branches j -> pc i = pc j ->
      register i <> register j) as H.
    { intros a b Hab Hb Hpc Hr.
      pose proof (between_branches (b - a) a) as H.
      replace (a + (b - a)) with b in H by lia. specialize (H (eq_sym Hb)). lia. }
    intros Hb Hpc Hr.
    destruct (lt_eq_lt_dec i j) as [[Hlt|]|Hlt]; [|assumption|]; exfalso.
    - exact (H i j Hlt Hb Hpc Hr).
    - exact (H j i Hlt (eq_sym Hb) (eq_sym Hpc) (eq_sym Hr)).
  Qed.
End Places.

(** The other cure, which asks nothing of registers: count the steps made at this program counter
    since it was reached. *)
Section Iterations.
  Variables (pc : nat -> nat) (counted : nat -> bool).

  Fixpoint iteration (i : nat) : nat :=
    match i with
    | 0 => 0
    | S i => if counted i then 0 else if pc (S i) =? pc i then S (iteration i) else 0
    end.

  Theorem iteration_key_unique :
    (forall i, counted i = false -> pc i <= pc (S i)) ->
    forall i j, branches counted i = branches counted j -> pc i = pc j ->
      iteration i = iteration j -> i = j.
  Proof.
    intros Hfall.
    assert (forall n i, branches counted (i + n) = branches counted i ->
      n = 0 \/ pc i < pc (i + n) \/
      (pc (i + n) = pc i /\ iteration (i + n) = iteration i + n)) as H.
    { induction n as [|n IH]; intros i Hb; [auto|]. right.
      replace (i + S n) with (S (i + n)) in * by lia.
      pose proof (branches_monotone counted i (i + n) ltac:(lia)).
      simpl in Hb. destruct (counted (i + n)) eqn:E; simpl in Hb; [lia|].
      pose proof (Hfall (i + n) E) as Hle. cbn [iteration]. rewrite E.
      specialize (IH i ltac:(lia)).
      destruct (Nat.eqb_spec (pc (S (i + n))) (pc (i + n))) as [Eq|Ne];
        destruct IH as [->|H1]; rewrite ?Nat.add_0_r in *; lia. }
    assert (forall i j, i < j -> branches counted i = branches counted j -> pc i = pc j ->
      iteration i <> iteration j) as Hne.
    { intros i j Hij Hb Hpc Hr. specialize (H (j - i) i).
      replace (i + (j - i)) with j in H by lia. specialize (H (eq_sym Hb)). lia. }
    intros i j Hb Hpc Hr.
    destruct (lt_eq_lt_dec i j) as [[Hlt|]|Hlt]; [|assumption|]; exfalso.
    - exact (Hne i j Hlt Hb Hpc Hr).
    - exact (Hne j i Hlt (eq_sym Hb) (eq_sym Hpc) (eq_sym Hr)).
  Qed.
End Iterations.

(** ** Several harts, a counter each

    The key names the hart that steps next and shows that hart's own counter: unique too. *)
Section Harts.
  Variable turn : nat -> Hart.  (** whose step follows place [i] *)

  Fixpoint own_steps (h : Hart) (i : nat) : nat :=
    match i with
    | 0 => 0
    | S i => (if turn i =? h then 1 else 0) + own_steps h i
    end.

  Theorem hart_key_unique i j :
    turn i = turn j -> own_steps (turn i) i = own_steps (turn j) j -> i = j.
  Proof.
    assert (forall h a b, a <= b -> own_steps h a <= own_steps h b) as Hmono.
    { intros h a b H. induction H; simpl; lia. }
    assert (forall a b, a < b -> turn a = turn b -> own_steps (turn a) a < own_steps (turn b) b)
      as H.
    { intros a b Hab Ht. rewrite <- Ht. pose proof (Hmono (turn a) (S a) b ltac:(lia)) as H.
      simpl in H. rewrite Nat.eqb_refl in H. lia. }
    intros Ht Ho. destruct (lt_eq_lt_dec i j) as [[Hlt|]|Hlt]; [|assumption|].
    - specialize (H i j Hlt Ht). lia.
    - specialize (H j i Hlt (eq_sym Ht)). lia.
  Qed.
End Harts.

(** ** Orders of keys, and premise C6

    Steps in their own order; branches first, then program counter, then register, which *falls*:
    an order in which the register rises is not the order of the run. *)
Definition BranchKey := (nat * nat * nat)%type.

Definition branch_before (a b : BranchKey) : Prop :=
  let '(n, p, r) := a in let '(n', p', r') := b in
  n < n' \/ (n = n' /\ (p < p' \/ (p = p' /\ r' < r))).

Lemma branch_before_irreflexive k : ~ branch_before k k.
Proof. destruct k as [[n p] r]. simpl. lia. Qed.

Lemma branch_before_transitive a b c :
  branch_before a b -> branch_before b c -> branch_before a c.
Proof. destruct a as [[? ?] ?], b as [[? ?] ?], c as [[? ?] ?]. simpl. lia. Qed.

#[export] Instance nat_eq_dec : EqDec nat := Nat.eq_dec.

#[export] Instance branch_key_eq_dec : EqDec BranchKey.
Proof. intros a b. unfold BranchKey in *. repeat decide equality. Defined.

Section Keys.
  Context {State Input Event : Type}.

  (** C6 for a machine whose step counter is part of its state: a step adds one, an event leaves
      it. This is CASMotion's own key (time-point/src/time-point.ts). *)
  Theorem step_keys_satisfy_C6 (rec : Recording State Input Event nat) p :
    written rec = entries_of (stamp rec) (made rec) ->
    key p = stamp rec ->
    (forall s l t, In (s, l, t) (transitions_of (made rec)) ->
      match l with
      | Ran _ _ => stamp rec t = S (stamp rec s)
      | _ => stamp rec t = stamp rec s
      end) ->
    C6 rec p.
  Proof.
    intros Hw Hk Hc.
    assert (forall s l t, In (s, l, t) (transitions_of (made rec)) ->
      advances lt (stamp rec s) l (stamp rec t)) as Hadv.
    { intros s l t H. specialize (Hc s l t H). destruct l; simpl; auto. lia. }
    split.
    - exists lt. repeat split; [lia | lia | assumption |].
      rewrite Hw. apply entries_ascending; [lia | exact Hadv].
    - intros. rewrite Hk. reflexivity.
  Qed.

  (** C6 for (branches, pc, register): every step is counted, or falls through, or repeats in
      place with a falling register; an event changes nothing that the key shows, or is a counted
      transfer of control itself. *)
  Theorem branch_keys_satisfy_C6 (rec : Recording State Input Event BranchKey) p
      (count pc register : State -> nat) :
    (forall s, stamp rec s = (count s, pc s, register s)) ->
    written rec = entries_of (stamp rec) (made rec) ->
    key p = stamp rec ->
    (forall s l t, In (s, l, t) (transitions_of (made rec)) ->
      match l with
      | Ran _ _ => count t = S (count s) \/
          (count t = count s /\ (pc s < pc t \/ (pc t = pc s /\ register t < register s)))
      | _ => stamp rec t = stamp rec s \/ count t = S (count s)
      end) ->
    C6 rec p.
  Proof.
    intros Hst Hw Hk Hc.
    assert (forall s l t, In (s, l, t) (transitions_of (made rec)) ->
      advances branch_before (stamp rec s) l (stamp rec t)) as Hadv.
    { intros s l t H. specialize (Hc s l t H).
      destruct l; simpl; rewrite !Hst in *; unfold branch_before; [lia|..];
        (destruct Hc as [Hc|Hc]; [left; congruence | right; lia]). }
    split.
    - exists branch_before. repeat split;
        [apply branch_before_irreflexive | apply branch_before_transitive | assumption |].
      rewrite Hw. apply entries_ascending; [apply branch_before_transitive | exact Hadv].
    - intros. rewrite Hk. reflexivity.
  Qed.

  (** Without the register no order of keys helps: a run that repeats in place breaks C6. *)
  Theorem repetition_breaks_C6 {Key} {keys : EqDec Key} (rec : Recording State Input Event Key) p
      s h x t :
    In (s, Ran h x, t) (transitions_of (made rec)) -> stamp rec s = stamp rec t -> ~ C6 rec p.
  Proof.
    intros Hin E [(before & Hirr & _ & Hadv & _) _].
    specialize (Hadv _ _ _ Hin). simpl in Hadv. rewrite E in Hadv. exact (Hirr _ Hadv).
  Qed.
End Keys.
