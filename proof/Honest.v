(** * Machines that satisfy the premises

    The premises are no wish: any machine whose instructions and events are functions, with a key
    that advances, a recorder that writes down all that comes from outside and a replayer that
    gives it back, satisfies all eight. This is how packages/machine and packages/recorder are
    meant to be built. *)

From Coq Require Import List Permutation.
From CASMotion Require Import Machine Replay Premises Sufficiency.
Import ListNotations.

Section Honest.
  Context {State Input Event Key : Type} {keys : EqDec Key}.
  Notation Label := (Label Input Event).
  Notation Run := (Run State Input Event).
  Notation Log := (Log Input Event Key).

  Variables (m : Machine State Input Event) (named : State -> Key).

  (** A move that the machine's functions make. *)
  Definition made_by (s : State) (l : Label) (t : State) : Prop :=
    match l with
    | Ran h x => conforms (delta m) h s x t
    | Applied e => t = alpha m e s
    | Stray => False
    end.

  Definition run_of_machine (r : Run) : Prop :=
    forall s l t, In (s, l, t) (transitions_of r) -> made_by s l t.

  (** The honest recorder writes all that comes, as it comes. *)
  Definition honest_recording (r : Run) : Recording State Input Event Key :=
    {| made := r; stamp := named; written := entries_of named r |}.

  (** The honest replayer is the same machine, fed from the log. *)
  Definition honest_replayer (s0 : State) : System State Input Event Key :=
    {| starts := fun s => s = s0;
       step := conforms (delta m);
       effect := fun e s t => t = alpha m e s;
       stray := fun _ _ => False;
       fetch := fun s log x rest => log = (named s, Fetched x) :: rest;
       key := named |}.

  Theorem honest_premises (r : Run) (before : Key -> Key -> Prop) :
    run_of_machine r ->
    (forall k, ~ before k k) ->
    (forall a b c, before a b -> before b c -> before a c) ->
    (forall s l t, made_by s l t -> advances before (named s) l (named t)) ->
    premises (honest_recording r) (honest_replayer (start r)) (entries_of named r).
  Proof.
    intros Hrun Hirr Htrans Hadv. split; unfold C1, C2, C3, C4, C5, C6, C7, C8; simpl.
    - reflexivity.
    - exists (delta m). intros s h x t Hin. split; [exact (Hrun _ _ _ Hin) | reflexivity].
    - split; [apply Permutation_refl | reflexivity].
    - intros s l t Hin. specialize (Hrun _ _ _ Hin). split; [|auto].
      intros ->. exact Hrun.
    - exists (alpha m). intros s e t Hin. split; [exact (Hrun _ _ _ Hin) | reflexivity].
    - split; [|reflexivity]. exists before. repeat split; auto.
      apply entries_ascending; auto.
    - intros k. apply subseq_refl.
    - reflexivity.
  Qed.

  (** What the outside does, as a script: a value in case the next step asks for one, or an event.
      From it the machine makes a run. *)
  Fixpoint execute (s : State) (script : list (Input + Event)) : list (Label * State) :=
    match script with
    | [] => []
    | inr e :: rest => let t := alpha m e s in (Applied e, t) :: execute t rest
    | inl x :: rest =>
      let (h, i) := delta m s in
      match i with
      | Computes t => (Ran h None, t) :: execute t rest
      | Fetches f => (Ran h (Some x), f x) :: execute (f x) rest
      end
    end.

  Definition run_of_script (s : State) script : Run :=
    {| start := s; moves := execute s script |}.

  Lemma script_makes_run s script : run_of_machine (run_of_script s script).
  Proof.
    unfold run_of_machine, transitions_of, run_of_script. simpl. revert s.
    induction script as [|[x|e] script IH]; intros s s0 l0 t0 Hin; simpl in Hin; [contradiction|..].
    - destruct (delta m s) as [h [t|f]] eqn:E; destruct Hin as [Hin|Hin];
        try (eapply IH; eassumption); injection Hin as <- <- <-; simpl; unfold conforms;
        rewrite E; eauto.
    - destruct Hin as [Hin|Hin]; [|eapply IH; eassumption].
      injection Hin as <- <- <-. reflexivity.
  Qed.
End Honest.
