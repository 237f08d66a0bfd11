(** * What a replay is

    Two things are kept apart. A *replaying system* is a processor with a reader of logs, which
    may be broken in every way that the premises speak of: it has power-on states, steps, effects
    and stray writes of its own, all of them relations. *Being a replay* is a relation between two
    runs, defined on states alone: no log, no key and no system is mentioned in it. *)

From Coq Require Import List.
From CASMotion Require Import Machine.
Import ListNotations.

Section Replay.
  Context {State Input Event Key : Type}.
  Notation Label := (Label Input Event).
  Notation Run := (Run State Input Event).
  Notation Log := (Log Input Event Key).

  (** ** Being a replay *)

  (** The strong form: the same state after every move of the recorded run. *)
  Definition is_replay (r recorded : Run) : Prop :=
    forall i s, state_at recorded i = Some s -> state_at r i = Some s.

  (** The weak form: the same state before and after every event, and nothing said of the states
      between. It is what a log without landmarks can compare (recorder/src/replayer.ts compares
      registers at each event). *)
  Definition is_replay_at_events (r recorded : Run) : Prop :=
    forall i s e t, nth_error (transitions_of recorded) i = Some (s, Applied e, t) ->
      state_at r i = Some s /\ state_at r (S i) = Some t.

  (** So far the same: where both runs have a state, it is the same one. *)
  Definition agrees (r recorded : Run) : Prop :=
    forall i s t, state_at r i = Some s -> state_at recorded i = Some t -> s = t.

  (** ** A replaying system *)

  Record System := {
    (** states in which it may be switched on *)
    starts : State -> Prop;
    (** [step h s x t]: hart [h] may step from [s], fetching [x], to [t] *)
    step : Hart -> State -> option Input -> State -> Prop;
    (** [effect e s t]: event [e] may turn [s] into [t] *)
    effect : Event -> State -> State -> Prop;
    (** [stray s t]: something else may turn [s] into [t] *)
    stray : State -> State -> Prop;
    (** [fetch s log x rest]: a step from [s] that fetches may be given [x], the log going from
        [log] to [rest] *)
    fetch : State -> Log -> Input -> Log -> Prop;
    (** what its counters show: the key of the place where it stands *)
    key : State -> Key
  }.

  (** Where a replay stands: its state, and the log that is not used yet. *)
  Definition Config := (State * Log)%type.

  (** The log's next entry is an event of this place. *)
  Definition due (p : System) (c : Config) : Prop :=
    exists e rest, snd c = (key p (fst c), Happened e) :: rest.

  (** The replayer of recorder/src/replayer.ts: an event that is due is applied; else the
      processor makes a step. *)
  Inductive replay_move (p : System) : Config -> Label -> Config -> Prop :=
  | move_event s e t rest :
      effect p e s t ->
      replay_move p (s, (key p s, Happened e) :: rest) (Applied e) (t, rest)
  | move_step s h t log :
      ~ due p (s, log) -> step p h s None t ->
      replay_move p (s, log) (Ran h None) (t, log)
  | move_fetch s h x t log rest :
      ~ due p (s, log) -> step p h s (Some x) t -> fetch p s log x rest ->
      replay_move p (s, log) (Ran h (Some x)) (t, rest)
  | move_stray s t log :
      stray p s t -> replay_move p (s, log) Stray (t, log).

  (** Several moves, and where they lead. *)
  Inductive path (p : System) : Config -> list (Label * State) -> Config -> Prop :=
  | path_nil c : path p c [] c
  | path_cons c l s log ms c' :
      replay_move p c l (s, log) -> path p (s, log) ms c' -> path p c ((l, s) :: ms) c'.

  (** [r] is something that the system may do, given the log. *)
  Definition replaying (p : System) (log : Log) (r : Run) : Prop :=
    starts p (start r) /\ exists c, path p (start r, log) (moves r) c.

  (** Replay succeeds: whatever the system does with the log, it goes through the recorded states
      as far as it goes, and it can always go on until it has gone through all of them. *)
  Definition succeeds (p : System) (log : Log) (recorded : Run) : Prop :=
    (exists r, replaying p log r) /\
    forall r, replaying p log r ->
      agrees r recorded /\
      (length (moves r) <= length (moves recorded) ->
       exists more, let whole := {| start := start r; moves := moves r ++ more |} in
         replaying p log whole /\ is_replay whole recorded).

  (** Replay fails: the system may come to a state that is not the recorded one. *)
  Definition fails (p : System) (log : Log) (recorded : Run) : Prop :=
    exists r i s t, replaying p log r /\
      state_at r i = Some s /\ state_at recorded i = Some t /\ s <> t.

  (** ** First facts *)

  Theorem strong_implies_weak r recorded :
    is_replay r recorded -> is_replay_at_events r recorded.
  Proof.
    intros H i s e t Hi.
    assert (state_at recorded i = Some s /\ state_at recorded (S i) = Some t) as [Hs Ht].
    { unfold state_at, states, transitions_of in *. clear H r.
      revert i Hi. generalize (start recorded) as s0. generalize (moves recorded) as ms.
      induction ms as [|[l u] ms IH]; intros s0 [|i] Hi; simpl in *; try discriminate.
      - injection Hi as -> _ ->. auto.
      - apply (IH u). exact Hi. }
    split; apply H; assumption.
  Qed.

  Theorem success_is_no_failure p log recorded :
    succeeds p log recorded -> ~ fails p log recorded.
  Proof.
    intros [_ H] (r & i & s & t & Hr & Hs & Ht & Hne).
    apply Hne. destruct (H r Hr) as [Ha _]. exact (Ha i s t Hs Ht).
  Qed.

  (** What a move says of the system, by its label. *)
  Definition move_says (p : System) (s : State) (log : Log) (l : Label) (c : Config) : Prop :=
    match l with
    | Ran h None => ~ due p (s, log) /\ exists t, step p h s None t /\ c = (t, log)
    | Ran h (Some x) => ~ due p (s, log) /\
      exists t rest, step p h s (Some x) t /\ fetch p s log x rest /\ c = (t, rest)
    | Applied e => exists t rest,
      log = (key p s, Happened e) :: rest /\ effect p e s t /\ c = (t, rest)
    | Stray => exists t, stray p s t /\ c = (t, log)
    end.

  Lemma move_cases p s log l c : replay_move p (s, log) l c -> move_says p s log l c.
  Proof. intros H. inversion H; subst; simpl; eauto 10. Qed.

  Lemma move_of_cases p s log l c : move_says p s log l c -> replay_move p (s, log) l c.
  Proof.
    destruct l as [h [x|]|e|]; simpl; intros H.
    - destruct H as (? & t & rest & ? & ? & ->). constructor; assumption.
    - destruct H as (? & t & ? & ->). constructor; assumption.
    - destruct H as (t & rest & -> & ? & ->). constructor; assumption.
    - destruct H as (t & ? & ->). constructor; assumption.
  Qed.

  Lemma path_app p c ms c' ms' c'' :
    path p c ms c' -> path p c' ms' c'' -> path p c (ms ++ ms') c''.
  Proof.
    intros H H'. induction H; simpl; [assumption|].
    econstructor; eauto.
  Qed.

  Lemma path_split p c ms ms' c'' :
    path p c (ms ++ ms') c'' -> exists c', path p c ms c' /\ path p c' ms' c''.
  Proof.
    revert c. induction ms as [|[l s] ms IH]; intros c H; simpl in *.
    - exists c. split; [constructor | assumption].
    - inversion H; subst. destruct (IH _ H6) as (c' & H1 & H2).
      exists c'. split; [econstructor; eauto | assumption].
  Qed.

  Lemma path_end_state p c ms c' : path p c ms c' -> fst c' = end_state (fst c) ms.
  Proof. intros H. induction H; simpl in *; auto. Qed.
End Replay.

Arguments System : clear implicits.
