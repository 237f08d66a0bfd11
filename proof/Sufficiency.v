(** * The sufficiency theorem: C1 to C8 make a replay

    In two halves. First, C3, C6, C7 and C8 make the log that is read *the* sequence of all that
    came from outside ([the_log]). Then, by induction over moves, a system that stands in the
    recorded state with the rest of that sequence before it can make one move only, the recorded
    one, and can make it ([same_move]). *)

From Coq Require Import Arith List Permutation Lia.
From CASMotion Require Import Machine Replay Premises.
Import ListNotations.

Section Lists.
  Context {A : Type}.

  Lemma subseq_length (small large : list A) :
    Subseq small large -> length small <= length large.
  Proof. intros H. induction H; simpl; lia. Qed.

  Lemma subseq_same_length (small large : list A) :
    Subseq small large -> length small = length large -> small = large.
  Proof.
    intros H. induction H; simpl; intros E.
    - reflexivity.
    - apply subseq_length in H. lia.
    - f_equal. auto.
  Qed.

  Lemma subseq_refl (l : list A) : Subseq l l.
  Proof. induction l; constructor; assumption. Qed.

  Lemma permutation_filter (f : A -> bool) (l l' : list A) :
    Permutation l l' -> Permutation (filter f l) (filter f l').
  Proof.
    intros H. induction H; simpl.
    - constructor.
    - destruct (f x); [constructor|]; assumption.
    - destruct (f x), (f y); try (constructor; fail); apply Permutation_refl.
    - eapply Permutation_trans; eassumption.
  Qed.
End Lists.

Section Sufficiency.
  Context {State Input Event Key : Type} {keys : EqDec Key}.
  Notation Label := (Label Input Event).
  Notation Run := (Run State Input Event).
  Notation Log := (Log Input Event Key).
  Notation System := (System State Input Event Key).
  Notation Recording := (Recording State Input Event Key).

  (** ** The log is determined *)

  Lemma at_key_nil_head k x (log : Log) : at_key k ((k, x) :: log) = (k, x) :: at_key k log.
  Proof. unfold at_key. simpl. destruct (eq_dec k k); [reflexivity | contradiction]. Qed.

  Lemma in_at_key k x (log : Log) : In (k, x) (at_key k log) -> In (k, x) log.
  Proof. unfold at_key. intros H. apply filter_In in H. tauto. Qed.

  (** Two logs in the order of keys that agree at each key are equal. *)
  Lemma determined_by_keys (before : Key -> Key -> Prop) (a b : Log) :
    (forall k, ~ before k k) ->
    (forall x y z, before x y -> before y z -> before x z) ->
    ascending before a -> ascending before b ->
    (forall k, at_key k a = at_key k b) -> a = b.
  Proof.
    intros Hirr Htrans. revert b. induction a as [|[k x] a IH]; intros b Ha Hb Hk.
    - destruct b as [|[k y] b]; [reflexivity|].
      specialize (Hk k). rewrite at_key_nil_head in Hk. discriminate.
    - destruct b as [|[k' y] b].
      { specialize (Hk k). rewrite at_key_nil_head in Hk. discriminate. }
      assert (k = k') as <-.
      { assert (In (k, x) ((k', y) :: b)) as Hin.
        { apply in_at_key. rewrite <- Hk, at_key_nil_head. left. reflexivity. }
        assert (In (k', y) ((k, x) :: a)) as Hin'.
        { apply in_at_key. rewrite Hk, at_key_nil_head. left. reflexivity. }
        destruct Hin as [E|Hin]; [congruence|]. destruct Hin' as [E|Hin']; [congruence|].
        destruct Ha as [Ha _], Hb as [Hb _].
        apply (in_map fst) in Hin, Hin'. simpl in Hin, Hin'.
        destruct (Hb _ Hin) as [E|H1]; [congruence|].
        destruct (Ha _ Hin') as [E|H2]; [congruence|].
        exfalso. apply (Hirr k). eapply Htrans; eassumption. }
      pose proof (Hk k) as Hhead. rewrite !at_key_nil_head in Hhead. injection Hhead as <- _.
      f_equal. apply IH; [apply Ha | apply Hb |].
      intros k'. specialize (Hk k'). unfold at_key in *. simpl in Hk.
      destruct (eq_dec k k'); [injection Hk; auto | assumption].
  Qed.

  (** What comes later in a run that advances has the present key or a later one. *)
  Lemma entries_not_before (before : Key -> Key -> Prop) (stamp : State -> Key) s
      (ms : list (Label * State)) :
    (forall x y z, before x y -> before y z -> before x z) ->
    (forall s0 l t, In (s0, l, t) (transitions s ms) ->
      advances before (stamp s0) l (stamp t)) ->
    forall k, In k (map fst (entries stamp s ms)) -> k = stamp s \/ before (stamp s) k.
  Proof.
    intros Htrans. revert s. induction ms as [|[l t] ms IH]; intros s Hadv k Hin; [contradiction|].
    simpl in Hin. rewrite map_app, in_app_iff in Hin. destruct Hin as [Hin|Hin].
    - left. destruct l as [h [x|]|e|]; simpl in Hin; intuition.
    - assert (advances before (stamp s) l (stamp t)) as Hl by (apply Hadv; left; reflexivity).
      assert (stamp t = stamp s \/ before (stamp s) (stamp t)) as Hst.
      { destruct l; simpl in Hl; intuition. }
      destruct (IH t (fun s0 l0 t0 H => Hadv s0 l0 t0 (or_intror H)) k Hin) as [->|Hk].
      + destruct Hst; [left|right]; congruence.
      + right. destruct Hst as [<-|Hst]; [assumption|]. eapply Htrans; eassumption.
  Qed.

  Lemma entries_ascending (before : Key -> Key -> Prop) (stamp : State -> Key) s
      (ms : list (Label * State)) :
    (forall x y z, before x y -> before y z -> before x z) ->
    (forall s0 l t, In (s0, l, t) (transitions s ms) ->
      advances before (stamp s0) l (stamp t)) ->
    ascending before (entries stamp s ms).
  Proof.
    intros Htrans. revert s. induction ms as [|[l t] ms IH]; intros s Hadv; simpl; [exact I|].
    assert (ascending before (entries stamp t ms)) as Hrest.
    { apply IH. intros. apply Hadv. right. assumption. }
    assert (advances before (stamp s) l (stamp t)) as Hl by (apply Hadv; left; reflexivity).
    assert (forall k, In k (map fst (entries stamp t ms)) -> stamp s = k \/ before (stamp s) k)
      as Hlater.
    { intros k Hk.
      destruct (entries_not_before before stamp t ms Htrans
        (fun s0 l0 t0 H => Hadv s0 l0 t0 (or_intror H)) k Hk) as [->|Hb].
      - destruct l; simpl in Hl; intuition.
      - assert (stamp s = stamp t \/ before (stamp s) (stamp t)) as [->|Hst]
          by (destruct l; simpl in Hl; intuition); [auto|].
        right. eapply Htrans; eassumption. }
    destruct l as [h [x|]|e|]; simpl; auto.
  Qed.

  (** C3, C6 and C7: what was written is all that came, in the order in which it came. *)
  Theorem the_log (rec : Recording) p :
    C3 rec p -> C6 rec p -> C7 rec -> written rec = entries_of (stamp rec) (made rec).
  Proof.
    intros [Hperm _] [(before & Hirr & Htrans & Hadv & Hasc) _] H7.
    apply (determined_by_keys before); auto.
    - apply entries_ascending; assumption.
    - intros k. apply subseq_same_length; [apply H7|].
      apply Permutation_length. apply permutation_filter. assumption.
  Qed.

  (** ** One move *)

  Section OneMove.
    Variables (rec : Recording) (p : System) (d : State -> Hart * Instruction State Input)
      (a : Event -> State -> State) (before : Key -> Key -> Prop).

    (** What the premises say of one move of the recorded run. *)
    Record move_is_good (s : State) (l : Label) (t : State) : Prop := {
      good_step : forall h x, l = Ran h x ->
        conforms d h s x t /\ forall h' x' t', step p h' s x' t' <-> conforms d h' s x' t';
      good_fetch : forall h x, l = Ran h (Some x) ->
        forall log x' rest, fetch p s log x' rest <-> log = (key p s, Fetched x') :: rest;
      good_calm : l <> Stray /\ forall t', ~ stray p s t';
      good_event : forall e, l = Applied e ->
        t = a e s /\ forall t', effect p e s t' <-> t' = a e s;
      good_key : key p s = stamp rec s;
      good_order : advances before (stamp rec s) l (stamp rec t)
    }.

    Hypothesis irreflexive : forall k, ~ before k k.
    Hypothesis transitive : forall x y z, before x y -> before y z -> before x z.

    Definition moves_are_good s ms := forall s0 l0 t0,
      In (s0, l0, t0) (transitions s ms) -> move_is_good s0 l0 t0.

    (** After a step nothing is due at the key that the step left: C6. *)
    Lemma step_is_not_due s h x t ms :
      moves_are_good s ((Ran h x, t) :: ms) ->
      ~ due p (s, entries (stamp rec) s ((Ran h x, t) :: ms)).
    Proof.
      intros good (e & rest0 & E). simpl in E.
      assert (move_is_good s (Ran h x) t) as G by (apply good; left; reflexivity).
      rewrite (good_key _ _ _ G) in E. destruct x as [x|]; simpl in E; [discriminate|].
      assert (In (stamp rec s) (map fst (entries (stamp rec) t ms))) as Hin
        by (rewrite E; left; reflexivity).
      apply (entries_not_before before) in Hin; [|assumption|].
      - pose proof (good_order _ _ _ G) as Hst. simpl in Hst.
        destruct Hin as [Hin|Hin].
        + rewrite <- Hin in Hst. exact (irreflexive _ Hst).
        + exact (irreflexive _ (transitive _ _ _ Hst Hin)).
      - intros s0 l0 t0 H0. apply good. right. assumption.
    Qed.

    Lemma same_move s l t ms l' c' :
      moves_are_good s ((l, t) :: ms) ->
      replay_move p (s, entries (stamp rec) s ((l, t) :: ms)) l' c' ->
      l' = l /\ c' = (t, entries (stamp rec) t ms).
    Proof.
      intros good. assert (move_is_good s l t) as G by (apply good; left; reflexivity).
      intros H. apply move_cases in H.
      destruct (good_calm _ _ _ G) as [Hcalm Hstray].
      destruct l as [h x|e|]; [| |contradiction].
      - pose proof (step_is_not_due s h x t ms good) as Hnot.
        destruct (good_step _ _ _ G h _ eq_refl) as [Hc Hs].
        destruct l' as [h' [x'|]|e'|].
        + destruct H as (_ & t' & rest & H & Hf & ->). apply Hs in H.
          unfold conforms in *. destruct (d s) as [h1 [t1|f]].
          * destruct H as (_ & H & _). discriminate.
          * destruct H as (-> & v & Hv & ->), Hc as (-> & w & -> & ->).
            injection Hv as ->.
            apply (good_fetch _ _ _ G _ _ eq_refl) in Hf. simpl in Hf.
            injection Hf as _ <- <-. auto.
        + destruct H as (_ & t' & H & ->). apply Hs in H.
          unfold conforms in *. destruct (d s) as [h1 [t1|f]].
          * destruct H as (-> & _ & ->), Hc as (-> & -> & ->). auto.
          * destruct H as (_ & v & Hv & _). discriminate.
        + destruct H as (t' & rest & E & _). exfalso. apply Hnot. exists e', rest. exact E.
        + destruct H as (t' & H & _). exfalso. eapply Hstray. eassumption.
      - destruct (good_event _ _ _ G e eq_refl) as [Ht He].
        assert (due p (s, entries (stamp rec) s ((Applied e, t) :: ms))) as Hdue.
        { exists e, (entries (stamp rec) t ms). simpl. rewrite (good_key _ _ _ G). reflexivity. }
        destruct l' as [h' [x'|]|e'|]; try (destruct H as [H _]; contradiction).
        + destruct H as (t' & rest & E & H & ->). simpl in E. injection E as _ -> ->.
          apply He in H. subst. auto.
        + destruct H as (t' & H & _). exfalso. eapply Hstray. eassumption.
    Qed.

    Lemma move_exists s l t ms :
      moves_are_good s ((l, t) :: ms) ->
      replay_move p (s, entries (stamp rec) s ((l, t) :: ms)) l (t, entries (stamp rec) t ms).
    Proof.
      intros good. assert (move_is_good s l t) as G by (apply good; left; reflexivity).
      destruct (good_calm _ _ _ G) as [Hcalm _].
      pose proof (good_key _ _ _ G) as Hkey.
      destruct l as [h [x|]|e|]; [| | |contradiction].
      - pose proof (step_is_not_due s h (Some x) t ms good) as Hnot.
        destruct (good_step _ _ _ G h _ eq_refl) as [Hc Hs].
        apply move_fetch; [assumption | apply Hs; assumption |].
        apply (good_fetch _ _ _ G h x eq_refl). simpl. rewrite Hkey. reflexivity.
      - pose proof (step_is_not_due s h None t ms good) as Hnot.
        destruct (good_step _ _ _ G h _ eq_refl) as [Hc Hs].
        apply move_step; [assumption | apply Hs; assumption].
      - destruct (good_event _ _ _ G e eq_refl) as [Ht He].
        simpl. rewrite <- Hkey. apply move_event. apply He. assumption.
    Qed.
  End OneMove.

  (** ** The whole run *)

  Section WholeRun.
    Variables (rec : Recording) (p : System) (d : State -> Hart * Instruction State Input)
      (a : Event -> State -> State) (before : Key -> Key -> Prop).
    Hypothesis irreflexive : forall k, ~ before k k.
    Hypothesis transitive : forall x y z, before x y -> before y z -> before x z.
    Notation good_moves s ms := (moves_are_good rec p d a before s ms).

    (** Any path over the log makes the recorded moves, as far as both go. *)
    Lemma same_path s ms ms' c :
      good_moves s ms -> length ms' <= length ms ->
      path p (s, entries (stamp rec) s ms) ms' c ->
      ms' = firstn (length ms') ms /\
      c = (end_state s ms', entries (stamp rec) (end_state s ms') (skipn (length ms') ms)).
    Proof.
      revert s ms. induction ms' as [|[l' t'] ms' IH]; intros s ms G Hlen Hp.
      - inversion Hp; subst. auto.
      - destruct ms as [|[l t] ms]; simpl in Hlen; [lia|].
        inversion Hp; subst.
        destruct (same_move rec p d a before irreflexive transitive s l t ms _ _ G H4) as [-> E].
        injection E as -> ->.
        destruct (IH t ms (fun s0 l0 t0 H => G s0 l0 t0 (or_intror H)) ltac:(lia) H5) as [E1 E2].
        simpl. split; [f_equal|]; assumption.
    Qed.

    Lemma path_exists s ms :
      good_moves s ms -> path p (s, entries (stamp rec) s ms) ms (end_state s ms, []).
    Proof.
      revert s. induction ms as [|[l t] ms IH]; intros s G; [constructor|].
      econstructor.
      - apply (move_exists rec p d a before irreflexive transitive). exact G.
      - apply IH. intros s0 l0 t0 H. apply G. right. assumption.
    Qed.
  End WholeRun.

  (** The premises, gathered move by move. *)
  Lemma good_moves (rec : Recording) p read :
    premises rec p read ->
    exists d a before,
      (forall k, ~ before k k) /\
      (forall x y z, before x y -> before y z -> before x z) /\
      moves_are_good rec p d a before (start (made rec)) (moves (made rec)).
  Proof.
    intros [H1 [d H2] [_ H3] H4 [a H5] [(before & Hirr & Htrans & Hadv & _) Hkey] _ _].
    exists d, a, before. split; [assumption|]. split; [assumption|].
    intros s l t Hin. constructor.
    - intros h x ->. apply H2. assumption.
    - intros h x ->. eapply H3. eassumption.
    - eapply H4. eassumption.
    - intros e ->. apply H5. assumption.
    - eapply Hkey. eassumption.
    - apply Hadv. assumption.
  Qed.

  (** Nothing but the recorded moves: the heart of it. *)
  Theorem only_the_recorded_moves (rec : Recording) p read r :
    premises rec p read -> replaying p read r ->
    length (moves r) <= length (moves (made rec)) ->
    r = prefix (length (moves r)) (made rec).
  Proof.
    intros H [Hstart [c Hp]] Hlen.
    destruct (good_moves _ _ _ H) as (d & a & before & Hirr & Htrans & G).
    apply (c1 _ _ _ H) in Hstart.
    rewrite (c8 _ _ _ H), (the_log rec p (c3 _ _ _ H) (c6 _ _ _ H) (c7 _ _ _ H)), Hstart in Hp.
    destruct (same_path rec p d a before Hirr Htrans _ _ _ _ G Hlen Hp) as [E _].
    destruct r as [s ms]. unfold prefix. simpl in *. f_equal; assumption.
  Qed.

  Theorem the_recorded_run_replays (rec : Recording) p read :
    premises rec p read -> replaying p read (made rec).
  Proof.
    intros H. destruct (good_moves _ _ _ H) as (d & a & before & Hirr & Htrans & G).
    split; [apply (c1 _ _ _ H); reflexivity|].
    rewrite (c8 _ _ _ H), (the_log rec p (c3 _ _ _ H) (c6 _ _ _ H) (c7 _ _ _ H)).
    eexists. apply (path_exists rec p d a before Hirr Htrans). exact G.
  Qed.

  Lemma prefix_agrees i (r : Run) : agrees (prefix i r) r.
  Proof.
    intros j s t Hs Ht. unfold state_at, states, prefix in *. simpl in *.
    rewrite <- firstn_map in Hs.
    assert (j <= i) as Hj.
    { destruct (Compare_dec.le_lt_dec j i) as [|Hlt]; [assumption|].
      exfalso. assert (nth_error (start r :: firstn i (map snd (moves r))) j = None) as E.
      { apply nth_error_None. simpl. rewrite firstn_length. lia. }
      congruence. }
    destruct j as [|j]; simpl in *; [congruence|].
    assert (nth_error (map snd (moves r)) j = Some s) as E.
    { rewrite <- (firstn_skipn i (map snd (moves r))). rewrite nth_error_app1; [assumption|].
      apply nth_error_Some. congruence. }
    congruence.
  Qed.

  (** A run that makes exactly the recorded moves first, agrees. *)
  Lemma extension_agrees (r recorded : Run) :
    start r = start recorded -> firstn (length (moves recorded)) (moves r) = moves recorded ->
    agrees r recorded /\ is_replay r recorded.
  Proof.
    intros Hs Hm. assert (is_replay r recorded) as H.
    { intros i s Hi. unfold state_at, states in *. rewrite Hs.
      destruct i as [|i]; simpl in *; [assumption|].
      rewrite <- (firstn_skipn (length (moves recorded)) (moves r)), Hm, map_app.
      rewrite nth_error_app1; [assumption|]. apply nth_error_Some. congruence. }
    split; [|assumption]. intros i s t H1 H2. apply H in H2. congruence.
  Qed.

  (** ** The theorem

      If C1 to C8 hold, then whatever the replaying system does with the log, it goes through the
      recorded states at the recorded places, and it never gets stuck before it has gone through
      all of them. *)
  Theorem sufficiency (rec : Recording) p read :
    premises rec p read -> succeeds p read (made rec).
  Proof.
    intros H. split; [exists (made rec); apply the_recorded_run_replays; assumption|].
    intros r Hr. destruct (Compare_dec.le_lt_dec (length (moves r)) (length (moves (made rec))))
      as [Hle|Hlt].
    - pose proof (only_the_recorded_moves rec p read r H Hr Hle) as E. split.
      + rewrite E. apply prefix_agrees.
      + intros _. exists (skipn (length (moves r)) (moves (made rec))).
        assert ({| start := start r;
          moves := moves r ++ skipn (length (moves r)) (moves (made rec)) |} = made rec) as ->.
        { destruct (made rec) as [s ms], r as [s' ms']. unfold prefix in E. simpl in *.
          injection E as -> E. f_equal. rewrite E at 1. apply firstn_skipn. }
        simpl. split; [apply the_recorded_run_replays; assumption | intros i s Hi; assumption].
    - split; [|lia].
      destruct Hr as [Hstart [c Hp]].
      pose proof (firstn_skipn (length (moves (made rec))) (moves r)) as Esplit.
      rewrite <- Esplit in Hp. apply path_split in Hp. destruct Hp as (c' & Hp & _).
      assert (replaying p read (prefix (length (moves (made rec))) r)) as Hr'
        by (split; [assumption | exists c'; assumption]).
      apply (only_the_recorded_moves rec p read) in Hr'; [|assumption|].
      2: { unfold prefix. simpl. rewrite firstn_length. lia. }
      apply extension_agrees.
      + apply (c1 _ _ _ H). assumption.
      + unfold prefix in Hr'. simpl in Hr'. rewrite firstn_length, Nat.min_l in Hr' by lia.
        injection Hr' as _ E. rewrite E. apply firstn_all.
  Qed.
End Sufficiency.
