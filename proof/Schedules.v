(** * Several harts

    In Machine.v the state says whose step is next. That is so in CASMotion: a deterministic
    schedule is part of the machine. Where harts really run side by side, any interleaving may
    come out; then the order is an input like any other, and must be logged (SMP-ReVirt logs it as
    transfers of pages). Here: any interleaving of any harts is a run of a machine whose schedule
    is a function of the state, once each change of hart is an event. So the theorem holds for it,
    with those events in the log. *)

From Coq Require Import Arith List.
From CASMotion Require Import Machine Replay Premises Sufficiency Honest.
Import ListNotations.

Section Schedules.
  Context {State Input Event : Type}.

  (** Harts beside each other: each has its next instruction, over one shared state. *)
  Variables (instruction : Hart -> State -> Instruction State Input)
    (outside : Event -> State -> State).

  (** Any hart may make the next step. *)
  Fixpoint interleaving (s : State) (ms : list (Label Input Event * State)) : Prop :=
    match ms with
    | [] => True
    | (l, t) :: rest =>
      match l with
      | Ran h x => conforms (fun s => (h, instruction h s)) h s x t
      | Applied e => t = outside e s
      | Stray => False
      end /\ interleaving t rest
    end.

  (** The same machine with the hart whose turn it is as a part of the state. *)
  Inductive Scheduled :=
  | Switch (h : Hart)
  | Outside (e : Event).

  Definition scheduled : Machine (State * Hart) Input Scheduled :=
    {| delta := fun sh : State * Hart => let (s, h) := sh in
         (h, match instruction h s with
             | Computes t => Computes (t, h)
             | Fetches f => Fetches (fun x => (f x, h))
             end);
       alpha := fun e (sh : State * Hart) => let (s, h) := sh in
         match e with
         | Switch h' => (s, h')
         | Outside e => (outside e s, h)
         end |}.

  (** A switch before each step of another hart than the last. *)
  Fixpoint with_switches (s : State) (h : Hart) (ms : list (Label Input Event * State)) :
      list (Label Input Scheduled * (State * Hart)) :=
    match ms with
    | [] => []
    | (Ran h' x, t) :: rest =>
      (if Nat.eq_dec h h' then [] else [(Applied (Switch h'), (s, h'))]) ++
      (Ran h' x, (t, h')) :: with_switches t h' rest
    | (Applied e, t) :: rest => (Applied (Outside e), (t, h)) :: with_switches t h rest
    | (Stray, t) :: rest => (Stray, (t, h)) :: with_switches t h rest
    end.

  (** And back. *)
  Fixpoint without_switches (ms : list (Label Input Scheduled * (State * Hart))) :
      list (Label Input Event * State) :=
    match ms with
    | [] => []
    | (Ran h x, (t, _)) :: rest => (Ran h x, t) :: without_switches rest
    | (Applied (Outside e), (t, _)) :: rest => (Applied e, t) :: without_switches rest
    | (Applied (Switch _), _) :: rest => without_switches rest
    | (Stray, (t, _)) :: rest => (Stray, t) :: without_switches rest
    end.

  Theorem any_interleaving_is_scheduled s h ms :
    interleaving s ms ->
    run_of_machine scheduled {| start := (s, h); moves := with_switches s h ms |} /\
    without_switches (with_switches s h ms) = ms.
  Proof.
    unfold run_of_machine, transitions_of. simpl. revert s h.
    induction ms as [|[l t] ms IH]; intros s h Hi; [simpl; intuition|].
    destruct Hi as [Hl Hi]. destruct l as [h' x|e|]; [| |contradiction].
    - assert (made_by scheduled (s, h') (Ran h' x) (t, h')) as Hstep.
      { simpl. unfold conforms in *. simpl in *.
        destruct (instruction h' s) as [t0|f]; destruct Hl as (_ & Hl);
          [destruct Hl as [-> ->]; auto | destruct Hl as (v & -> & ->); eauto]. }
      destruct (IH t h' Hi) as [Hrun Hback]. simpl.
      destruct (Nat.eq_dec h h') as [<-|Hne]; simpl; (split; [|f_equal; exact Hback]).
      + intros s0 l0 t0 [Hin|Hin]; [injection Hin as <- <- <-; exact Hstep | eapply Hrun, Hin].
      + intros s0 l0 t0 [Hin|[Hin|Hin]];
          [injection Hin as <- <- <-; reflexivity | injection Hin as <- <- <-; exact Hstep
          | eapply Hrun, Hin].
    - subst t. destruct (IH _ h Hi) as [Hrun Hback]. simpl. split; [|f_equal; exact Hback].
      intros s0 l0 t0 [Hin|Hin]; [injection Hin as <- <- <-; reflexivity | eapply Hrun, Hin].
  Qed.

  (** So a recording of harts side by side replays, if their switches are in the log and places
      have keys that advance. *)
  Theorem interleaving_replays {Key} {keys : EqDec Key} (named : State * Hart -> Key)
      before s h ms :
    interleaving s ms ->
    (forall k, ~ before k k) ->
    (forall a b c, before a b -> before b c -> before a c) ->
    (forall s0 l t, made_by scheduled s0 l t -> advances before (named s0) l (named t)) ->
    let r := {| start := (s, h); moves := with_switches s h ms |} in
    succeeds (honest_replayer scheduled named (s, h)) (entries_of named r) r.
  Proof.
    intros Hi Hirr Htrans Hadv r.
    apply (sufficiency (honest_recording named r)).
    apply (honest_premises scheduled named r before); auto.
    apply any_interleaving_is_scheduled. assumption.
  Qed.
End Schedules.
