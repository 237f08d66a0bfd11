(** * What follows: prefix, restart, composition, and what a difference means *)

From Coq Require Import Arith List Permutation Lia.
From CASMotion Require Import Machine Replay Premises Sufficiency.
Import ListNotations.

Section Corollaries.
  Context {State Input Event Key : Type} {keys : EqDec Key}.
  Notation Label := (Label Input Event).
  Notation Run := (Run State Input Event).
  Notation Log := (Log Input Event Key).
  Notation System := (System State Input Event Key).
  Notation Recording := (Recording State Input Event Key).

  (** ** Parts of a recording

      The recording of a part of a run holds the entries of that part. *)
  Definition part (rec : Recording) (r : Run) : Recording :=
    {| made := r; stamp := stamp rec; written := entries_of (stamp rec) r |}.

  (** A system that is put into a state instead of being switched on: a checkpoint is restored. *)
  Definition restored (s : State) (p : System) : System :=
    {| starts := fun s' => s' = s;
       step := step p; effect := effect p; stray := stray p; fetch := fetch p; key := key p |}.

  (** If the premises hold for a run, they hold for any part of it, from the state in which the
      part starts. C1 becomes: the checkpoint is the recorded state. *)
  Lemma premises_of_part (rec : Recording) p read r :
    premises rec p read ->
    (forall tr, In tr (transitions_of r) -> In tr (transitions_of (made rec))) ->
    premises (part rec r) (restored (start r) p) (entries_of (stamp rec) r).
  Proof.
    intros [H1 [d H2] [_ H3] H4 [a H5] [(before & Hirr & Htrans & Hadv & _) Hkey] _ _] Hin.
    split; unfold C1, C2, C3, C4, C5, C6, C7, C8; simpl.
    - reflexivity.
    - exists d. intros s h x t H. apply H2, Hin, H.
    - split; [apply Permutation_refl|]. intros s h x t H. eapply H3, Hin, H.
    - intros s l t H. eapply H4, Hin, H.
    - exists a. intros s e t H. apply H5, Hin, H.
    - split.
      + exists before. repeat split; auto.
        apply entries_ascending; auto.
      + intros s l t H. eapply Hkey, Hin, H.
    - intros k. apply subseq_refl.
    - reflexivity.
  Qed.

  Lemma read_is_the_log (rec : Recording) p read :
    premises rec p read -> read = entries_of (stamp rec) (made rec).
  Proof. intros [_ _ H3 _ _ H6 H7 H8]. rewrite H8. eapply the_log; eassumption. Qed.

  Lemma entries_of_parts (stamp : State -> Key) (r : Run) i :
    entries_of stamp r = entries_of stamp (prefix i r) ++ entries_of stamp (suffix i r).
  Proof.
    unfold entries_of, prefix, suffix. simpl. rewrite <- entries_app, firstn_skipn. reflexivity.
  Qed.

  (** Two systems that differ at most in how their power-on states are described. *)
  Definition same_but_start (p p' : System) : Prop :=
    step p' = step p /\ effect p' = effect p /\ stray p' = stray p /\ fetch p' = fetch p /\
    key p' = key p.

  Lemma path_same p p' c ms c' : same_but_start p p' -> path p c ms c' -> path p' c ms c'.
  Proof.
    intros Hsame H. induction H as [|c l s log ms c' Hm Hp IH]; [constructor|].
    econstructor; [|exact IH]. clear Hp IH. destruct c as [s0 log0].
    apply move_cases in Hm. apply move_of_cases. destruct p, p'.
    unfold same_but_start in Hsame. simpl in Hsame. destruct Hsame as (-> & -> & -> & -> & ->).
    exact Hm.
  Qed.

  Lemma same_starts_succeed p p' log r :
    (forall s, starts p' s <-> starts p s) -> same_but_start p p' ->
    succeeds p' log r -> succeeds p log r.
  Proof.
    intros Hs Hsame. assert (same_but_start p' p) as Hsame'.
    { unfold same_but_start in *. intuition. }
    assert (forall r0, replaying p' log r0 <-> replaying p log r0) as Heq.
    { intros r0. unfold replaying.
      split; intros [H1 [c H2]]; (split; [apply Hs; assumption|]);
        exists c; eapply path_same; eassumption. }
    intros [[r0 Hr0] Hall]. split.
    - exists r0. apply Heq. assumption.
    - intros r1 Hr1. apply Heq in Hr1. destruct (Hall r1 Hr1) as [Ha Hmore].
      split; [assumption|]. intros Hlen. destruct (Hmore Hlen) as (more & Hw & Hrep).
      exists more. split; [apply Heq|]; assumption.
  Qed.

  (** ** Prefix

      A replay may stop anywhere: with the log of the first [i] moves it goes through the states
      of the first [i] moves. *)
  Theorem prefix_replays (rec : Recording) p read i :
    premises rec p read ->
    succeeds p (entries_of (stamp rec) (prefix i (made rec))) (prefix i (made rec)).
  Proof.
    intros H.
    apply (same_starts_succeed p (restored (start (made rec)) p)).
    - intros s. simpl. symmetry. exact (c1 _ _ _ H s).
    - repeat split.
    - apply (sufficiency (part rec (prefix i (made rec)))).
      apply (premises_of_part rec p read (prefix i (made rec)) H).
      apply transitions_prefix.
  Qed.

  (** Any prefix of a run's log is the log of a prefix of the run: of the longest one that needs
      nothing which is cut off. *)
  Lemma cut_log (stamp : State -> Key) n s (ms : list (Label * State)) :
    exists i, i <= length ms /\ entries stamp s (firstn i ms) = firstn n (entries stamp s ms) /\
      (i = length ms \/ length (entries stamp s (firstn (S i) ms)) = S n).
  Proof.
    revert n s. induction ms as [|[l t] ms IH]; intros n s.
    - exists 0. simpl. rewrite firstn_nil. auto.
    - assert (entry stamp s l = [] \/ exists x, entry stamp s l = [x]) as [E|[x E]].
      { destruct l as [h [x|]|e|]; simpl; eauto. }
      + destruct (IH n t) as (i & Hi & Hcut & Hmax). exists (S i).
        cbn [length firstn entries] in *. rewrite E. simpl. repeat split; [lia|assumption|].
        destruct Hmax; [left; lia | right; assumption].
      + destruct n as [|n].
        * exists 0. cbn [length firstn entries]. rewrite E. simpl. repeat split; [lia|].
          right. reflexivity.
        * destruct (IH n t) as (i & Hi & Hcut & Hmax). exists (S i).
          cbn [length firstn entries] in *. rewrite E. simpl.
          repeat split; [lia|f_equal; assumption|].
          destruct Hmax; [left; lia | right; lia].
  Qed.

  (** C8 for a log that was cut short (a crash, a full disk): the first [n] entries replay the
      run as far as they determine it. *)
  Theorem cut_recording_replays (rec : Recording) p read n :
    premises rec p read ->
    exists i, succeeds p (firstn n read) (prefix i (made rec)) /\
      (i = length (moves (made rec)) \/
       length (entries_of (stamp rec) (prefix (S i) (made rec))) = S n).
  Proof.
    intros H. destruct (cut_log (stamp rec) n (start (made rec)) (moves (made rec)))
      as (i & _ & Hcut & Hmax).
    exists i. split; [|exact Hmax].
    pose proof (prefix_replays rec p read i H) as Hp.
    unfold entries_of in Hp at 1. simpl in Hp. rewrite Hcut in Hp.
    rewrite (read_is_the_log rec p read H). exact Hp.
  Qed.

  (** ** Restart

      A system restored to the recorded state after [i] moves, with the rest of the log, goes
      through the rest of the run. *)
  Theorem restart_replays (rec : Recording) p read i :
    premises rec p read ->
    let before_it := length (entries_of (stamp rec) (prefix i (made rec))) in
    succeeds (restored (start (suffix i (made rec))) p) (skipn before_it read)
      (suffix i (made rec)).
  Proof.
    intros H before_it. unfold before_it.
    rewrite (read_is_the_log rec p read H), (entries_of_parts (stamp rec) (made rec) i).
    rewrite skipn_app, skipn_all, Nat.sub_diag. simpl.
    apply (sufficiency (part rec (suffix i (made rec)))).
    apply (premises_of_part rec p read (suffix i (made rec)) H).
    apply transitions_suffix.
  Qed.

  (** ** Composition: what makes parallel replay sound *)

  (** Pieces of a replay, made anywhere and in any order of time: each is a path, and each starts
      in the state and at the place in the log where the one before it ended. That is what is
      compared when pieces are put together. *)
  Inductive fit (p : System) : @Config State Input Event Key ->
      list (list (Label * State)) -> @Config State Input Event Key -> Prop :=
  | fit_nil c : fit p c [] c
  | fit_cons c piece c' pieces c'' :
      path p c piece c' -> fit p c' pieces c'' -> fit p c (piece :: pieces) c''.

  Lemma fit_path p c pieces c' : fit p c pieces c' -> path p c (concat pieces) c'.
  Proof. intros H. induction H; simpl; [constructor | eapply path_app; eassumption]. Qed.

  (** Pieces that fit are one replaying run, and so they agree with the recorded run. A wrong
      checkpoint cannot slip in: it would not fit. *)
  Theorem pieces_make_one_replay (rec : Recording) p read pieces c s :
    premises rec p read -> starts p s -> fit p (s, read) pieces c ->
    let whole := {| start := s; moves := concat pieces |} in
    agrees whole (made rec) /\
    (length (moves (made rec)) <= length (concat pieces) -> is_replay whole (made rec)).
  Proof.
    intros H Hs Hfit whole. apply fit_path in Hfit.
    assert (replaying p read whole) as Hr by (split; [assumption | exists c; assumption]).
    destruct (sufficiency rec p read H) as [_ Hall].
    destruct (Hall whole Hr) as [Ha _]. split; [assumption|].
    intros Hlen i t Hi.
    assert (exists u, state_at whole i = Some u) as [u Hu].
    { destruct (state_at whole i) eqn:E; [eauto|]. exfalso.
      unfold state_at, states in *. apply nth_error_None in E.
      assert (i < length (start (made rec) :: map snd (moves (made rec)))) as Hlt
        by (apply nth_error_Some; congruence).
      simpl in *. rewrite map_length in *. lia. }
    rewrite Hu. f_equal. eapply Ha; eassumption.
  Qed.

  (** On states alone: a replay of the first [i] moves and a replay of the rest, whoever made
      them, are together a replay of the whole. *)
  Theorem replays_compose (recorded r1 r2 : Run) i :
    i <= length (moves recorded) -> length (moves r1) = i ->
    is_replay r1 (prefix i recorded) -> is_replay r2 (suffix i recorded) ->
    is_replay {| start := start r1; moves := moves r1 ++ moves r2 |} recorded.
  Proof.
    intros Hi Hlen H1 H2 j s Hj. unfold state_at, states in *. simpl.
    destruct (le_lt_dec j i) as [Hle|Hlt].
    - assert (nth_error (start r1 :: map snd (moves r1)) j = Some s) as E.
      { apply H1. unfold state_at, states, prefix. simpl.
        destruct j as [|j]; simpl in *; [assumption|].
        rewrite <- firstn_map. rewrite <- (firstn_skipn i (map snd (moves recorded))) in Hj.
        rewrite nth_error_app1 in Hj; [assumption|].
        rewrite firstn_length, map_length. lia. }
      destruct j as [|j]; simpl in *; [assumption|].
      rewrite map_app, nth_error_app1; [assumption|]. rewrite map_length. lia.
    - assert (nth_error (start r2 :: map snd (moves r2)) (j - i) = Some s) as E.
      { apply H2. unfold state_at, states, suffix. simpl.
        destruct j as [|j]; [lia|]. replace (S j - i) with (S (j - i)) by lia. simpl in *.
        rewrite <- (firstn_skipn i (moves recorded)), map_app in Hj.
        rewrite nth_error_app2 in Hj by (rewrite map_length, firstn_length; lia).
        rewrite map_length, firstn_length, Nat.min_l in Hj by lia. assumption. }
      destruct j as [|j]; [lia|]. replace (S j - i) with (S (j - i)) in E by lia. simpl in *.
      rewrite map_app, nth_error_app2 by (rewrite map_length; lia).
      rewrite map_length, Hlen. assumption.
  Qed.

  (** ** What a difference means *)

  (** If a replay can differ, one of the eight is broken. *)
  Theorem difference_breaks_a_premise (rec : Recording) p read :
    fails p read (made rec) -> ~ premises rec p read.
  Proof.
    intros Hf H. exact (success_is_no_failure _ _ _ (sufficiency rec p read H) Hf).
  Qed.

  (** Which one? Look at the first move at which recorded run and replay differ, in what was done
      or in the state that it led to. Four verdicts can be told apart there, and a fifth before
      any move. *)
  Inductive Verdict :=
  | another_start      (** C1: another initial state *)
  | another_result     (** C2: an instruction (or a schedule) gave another result *)
  | a_stray_write      (** C4: something else wrote the state *)
  | another_effect     (** C5: an event had another effect *)
  | another_log.       (** C3, C6, C7 or C8: the log, or the place where it was read, is wrong *)

  Context {inputs : EqDec Input} {events : EqDec Event}.

  Definition verdict (recorded replayed : Label) : Verdict :=
    match recorded, replayed with
    | Stray, _ | _, Stray => a_stray_write
    | Ran h x, Ran h' x' =>
      if Nat.eq_dec h h' then
        match x, x' with
        | Some v, Some v' => if eq_dec v v' then another_result else another_log
        | _, _ => another_result
        end
      else another_result
    | Applied e, Applied e' => if eq_dec e e' then another_effect else another_log
    | _, _ => another_log
    end.

  Definition breaks (v : Verdict) (rec : Recording) (p : System) (read : Log) : Prop :=
    match v with
    | another_start => ~ C1 rec p
    | another_result => ~ C2 rec p
    | a_stray_write => ~ C4 rec p
    | another_effect => ~ C5 rec p
    | another_log => ~ (C3 rec p /\ C6 rec p /\ C7 rec /\ C8 rec read)
    end.

  Theorem differing_start (rec : Recording) p read r :
    replaying p read r -> start r <> start (made rec) -> breaks another_start rec p read.
  Proof. intros [Hs _] Hne H1. apply Hne. apply H1. assumption. Qed.

  (** While the moves are the recorded ones, the log is used as it was written. *)
  Lemma log_position (rec : Recording) p s pre rest c :
    C3 rec p ->
    (forall tr, In tr (transitions s (pre ++ rest)) -> In tr (transitions_of (made rec))) ->
    path p (s, entries (stamp rec) s (pre ++ rest)) pre c ->
    c = (end_state s pre, entries (stamp rec) (end_state s pre) rest).
  Proof.
    intros [_ H3]. revert s. induction pre as [|[l t] pre IH]; intros s Hin Hp.
    - inversion Hp. reflexivity.
    - simpl in Hp. inversion Hp as [|? ? ? log ? ? Hm Hrest]; subst.
      assert (log = entries (stamp rec) t (pre ++ rest)) as ->.
      { apply move_cases in Hm. destruct l as [h [x|]|e|]; simpl in Hm.
        - destruct Hm as (_ & t' & rest' & _ & Hf & E).
          assert (In (s, Ran h (Some x), t) (transitions_of (made rec))) as Hi
            by (apply Hin; left; reflexivity).
          apply (H3 s h x t Hi) in Hf. simpl in *. congruence.
        - destruct Hm as (_ & t' & _ & E). congruence.
        - destruct Hm as (t' & rest' & E' & _ & E). congruence.
        - destruct Hm as (t' & _ & E). congruence. }
      simpl. apply IH; [|assumption]. intros tr Htr. apply Hin. right. assumption.
  Qed.

  (** The verdict is right: the premises that it names are broken. *)
  Theorem first_difference (rec : Recording) p read r pre l t rest l' t' rest' :
    replaying p read r -> start r = start (made rec) ->
    moves (made rec) = pre ++ (l, t) :: rest -> moves r = pre ++ (l', t') :: rest' ->
    (l, t) <> (l', t') ->
    breaks (verdict l l') rec p read.
  Proof.
    intros [_ [c Hp]] Hstart Hrec Hr Hne.
    rewrite Hr in Hp. apply path_split in Hp. destruct Hp as ([s log] & Hpre & Hp).
    pose proof (path_end_state _ _ _ _ Hpre) as Hs. simpl in Hs. rewrite Hstart in Hs.
    inversion Hp as [|? ? ? log' ? ? Hmove _]; subst. apply move_cases in Hmove.
    set (s := end_state (start (made rec)) pre) in *.
    assert (In (s, l, t) (transitions_of (made rec))) as Hin.
    { unfold transitions_of. rewrite Hrec, transitions_app. apply in_or_app. right. left.
      reflexivity. }
    assert (C3 rec p /\ C6 rec p /\ C7 rec /\ C8 rec read ->
      key p s = stamp rec s /\
      log = entry (stamp rec) s l ++ entries (stamp rec) t rest /\
      (forall h x, l = Ran h x -> ~ due p (s, log)) /\
      (forall h x y rest0, l = Ran h (Some x) -> fetch p s log y rest0 -> y = x)) as Hlog.
    { intros (H3 & H6 & H7 & ->).
      pose proof (the_log rec p H3 H6 H7) as E. unfold entries_of in E. rewrite Hrec in E.
      rewrite Hstart, E in Hpre.
      apply (log_position rec) in Hpre; [|assumption|].
      2: { intros tr Htr. unfold transitions_of. rewrite Hrec. assumption. }
      injection Hpre as El. fold s in El.
      destruct H6 as [(before & Hirr & Htrans & Hadv & _) Hkey].
      pose proof (Hkey _ _ _ Hin) as Hk. simpl in El.
      repeat split; [assumption | assumption | |].
      - intros h x -> (e & rest0 & Ed). simpl in Ed. rewrite El, Hk in Ed.
        destruct x as [x|]; simpl in Ed; [discriminate|].
        pose proof (Hadv _ _ _ Hin) as Hst. simpl in Hst.
        assert (In (stamp rec s) (map fst (entries (stamp rec) t rest))) as Hi
          by (rewrite Ed; left; reflexivity).
        apply (entries_not_before before) in Hi; [|assumption|].
        + destruct Hi as [Hi|Hi]; [rewrite <- Hi in Hst; exact (Hirr _ Hst)|].
          exact (Hirr _ (Htrans _ _ _ Hst Hi)).
        + intros s0 l0 t0 H0. apply Hadv. unfold transitions_of.
          rewrite Hrec, transitions_app. apply in_or_app. right. right. assumption.
      - intros h x y rest0 -> Hf. destruct H3 as [_ H3].
        apply (H3 _ _ _ _ Hin) in Hf. rewrite El in Hf. simpl in Hf. congruence. }
    destruct l as [h x|e|]; destruct l' as [h' x'|e'|]; simpl;
      try (intros H4; destruct (H4 _ _ _ Hin) as [Hc Hst]; try congruence;
           destruct Hmove as (t0 & Hm & _); eapply Hst; eassumption).
    - destruct (Nat.eq_dec h h') as [<-|Hh].
      + assert (x = x' -> ~ C2 rec p) as Hsame.
        { intros <- [d H2]. destruct (H2 _ _ _ _ Hin) as [Hc Hst]. apply Hne. f_equal.
          assert (step p h s x t') as Hm.
          { destruct x as [x|]; simpl in Hmove.
            - destruct Hmove as (_ & t0 & rest0 & Hm & _ & E). injection E as -> _. assumption.
            - destruct Hmove as (_ & t0 & Hm & E). injection E as -> _. assumption. }
          apply Hst in Hm. unfold conforms in *. destruct (d s) as [h0 [t0|f]].
          - destruct Hc as (_ & _ & ->), Hm as (_ & _ & ->). reflexivity.
          - destruct Hc as (_ & v & Hv & ->), Hm as (_ & w & Hw & ->). congruence. }
        destruct x as [x|], x' as [x'|]; simpl; [|simpl..].
        * destruct (eq_dec x x') as [->|Hx]; [apply Hsame; reflexivity|].
          simpl in *. intros H. apply Hx. destruct (Hlog H) as (_ & _ & _ & Hf).
          destruct Hmove as (_ & t0 & rest0 & _ & Hm & _). symmetry. eapply Hf; eauto.
        * intros [d H2]. destruct (H2 _ _ _ _ Hin) as [Hc Hst].
          destruct Hmove as (_ & t0 & Hm & _). apply Hst in Hm. unfold conforms in *.
          destruct (d s) as [h0 [t1|f]].
          -- destruct Hc as (_ & Hc & _). discriminate.
          -- destruct Hm as (_ & v & Hv & _). discriminate.
        * intros [d H2]. destruct (H2 _ _ _ _ Hin) as [Hc Hst].
          destruct Hmove as (_ & t0 & rest0 & Hm & _). apply Hst in Hm. unfold conforms in *.
          destruct (d s) as [h0 [t1|f]].
          -- destruct Hm as (_ & Hm & _). discriminate.
          -- destruct Hc as (_ & v & Hv & _). discriminate.
        * apply Hsame. reflexivity.
      + intros [d H2]. destruct (H2 _ _ _ _ Hin) as [Hc Hst]. apply Hh.
        assert (exists t0, step p h' s x' t0) as [t0 Hm].
        { destruct x' as [x'|]; simpl in Hmove.
          - destruct Hmove as (_ & t0 & rest0 & Hm & _). eauto.
          - destruct Hmove as (_ & t0 & Hm & _). eauto. }
        apply Hst in Hm. unfold conforms in *. destruct (d s) as [h0 [t1|f]];
          destruct Hc as (-> & _), Hm as (-> & _); reflexivity.
    - intros H. destruct (Hlog H) as (_ & _ & Hnot & _). apply (Hnot h x eq_refl).
      destruct Hmove as (t0 & rest0 & E & _). exists e', rest0. assumption.
    - intros H. destruct (Hlog H) as (Hk & E & _).
      assert (due p (s, log)) as Hdue.
      { exists e, (entries (stamp rec) t rest). simpl. rewrite Hk, E. reflexivity. }
      destruct x' as [x'|]; destruct Hmove as [Hmove _]; contradiction.
    - destruct Hmove as (t0 & rest0 & E & He & Et). injection Et as -> ->.
      destruct (eq_dec e e') as [<-|Hee].
      + intros [a H5]. destruct (H5 _ _ _ Hin) as [-> Heff]. apply Heff in He. congruence.
      + intros H. destruct (Hlog H) as (Hk & E' & _). rewrite E' in E. simpl in E. congruence.
  Qed.

  (** So no failure is without a verdict, and the verdict can be computed from the two runs. *)
  Context {all_states : EqDec State}.

  Lemma labels_eq_dec (l l' : Label) : {l = l'} + {l <> l'}.
  Proof.
    destruct l as [h x|e|], l' as [h' x'|e'|]; try (right; discriminate); [| |left; reflexivity].
    - destruct (Nat.eq_dec h h') as [<-|Hh]; [|right; congruence].
      destruct x as [x|], x' as [x'|]; try (right; discriminate); [|left; reflexivity].
      destruct (eq_dec x x') as [<-|Hx]; [left; reflexivity | right; congruence].
    - destruct (eq_dec e e') as [<-|He]; [left; reflexivity | right; congruence].
  Defined.

  (** Two lists of moves: one goes on where the other ends, or they part at a first move. *)
  Lemma where_they_part (ms ms' : list (Label * State)) :
    (exists more, ms' = ms ++ more \/ ms = ms' ++ more) \/
    exists pre l t rest l' t' rest',
      ms = pre ++ (l, t) :: rest /\ ms' = pre ++ (l', t') :: rest' /\ (l, t) <> (l', t').
  Proof.
    revert ms'. induction ms as [|[l t] ms IH]; intros ms'; [left; exists ms'; auto|].
    destruct ms' as [|[l' t'] ms']; [left; exists ((l, t) :: ms); auto|].
    destruct (labels_eq_dec l l') as [<-|Hl], (eq_dec t t') as [<-|Ht];
      try (right; exists [], l, t, ms; do 3 eexists; repeat split; congruence).
    destruct (IH ms') as [[more [E|E]]|(pre & l0 & t0 & r0 & l1 & t1 & r1 & -> & -> & Hne)].
    - left. exists more. left. rewrite E. reflexivity.
    - left. exists more. right. rewrite E. reflexivity.
    - right. exists ((l, t) :: pre), l0, t0, r0, l1, t1, r1. auto.
  Qed.

  Theorem every_failure_has_a_verdict (rec : Recording) p read :
    fails p read (made rec) -> exists v, breaks v rec p read.
  Proof.
    intros (r & i & s & t & Hr & Hs & Ht & Hne).
    destruct (eq_dec (start r) (start (made rec))) as [Estart|Estart].
    - destruct (where_they_part (moves (made rec)) (moves r))
        as [[more Hmore]|(pre & l & u & rest & l' & u' & rest' & E & E' & Hdiff)].
      + exfalso. apply Hne. unfold state_at, states in *. rewrite Estart in Hs.
        assert (forall (a b : list State) x y, nth_error a i = Some x ->
          nth_error (a ++ b) i = Some y -> x = y) as Happ.
        { intros a b x y Hx Hy. rewrite nth_error_app1 in Hy; [congruence|].
          apply nth_error_Some. congruence. }
        destruct Hmore as [E|E]; rewrite E, map_app, app_comm_cons in *.
        * symmetry. eapply Happ; eassumption.
        * eapply Happ; eassumption.
      + exists (verdict l l'). eapply first_difference; eassumption.
    - exists another_start. eapply differing_start; eassumption.
  Qed.
End Corollaries.
