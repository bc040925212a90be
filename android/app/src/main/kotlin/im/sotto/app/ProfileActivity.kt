package im.sotto.app

import android.content.Intent
import android.graphics.Bitmap
import android.os.Bundle
import android.view.View
import android.widget.Button
import android.widget.EditText
import im.sotto.Account
import im.sotto.Sotto
import java.io.File

/** Name and picture: of a new account, or of the own one. */
class ProfileActivity : Screen(R.layout.profile, R.string.profile_title) {
    private val name: EditText get() = findViewById(R.id.name)

    /** A chosen picture that is not saved yet. The file outlives the process. */
    private val draft by lazy { File(cacheDir, DRAFT) }
    private var account: Account? = null
    private var isFilled = false
    private var isPictureRemoved = false

    override fun build(state: Bundle?) {
        isFilled = state != null
        isPictureRemoved = state?.getBoolean(REMOVED) ?: false
        if (state == null) draft.delete()
        onTap(R.id.avatar, ::offerPicture)
        onTap(R.id.picture, ::offerPicture)
        onTap(R.id.save, ::save)
        name.onText { refresh() }
    }

    override suspend fun follow(sotto: Sotto) {
        val now = sotto.account.get()
        account = now
        if (!isFilled && now != null) name.setText(now.name)
        isFilled = true
        findViewById<View>(R.id.later).show(now != null)
        findViewById<Button>(R.id.save).setText(if (now == null) R.string.profile_create else R.string.save)
        refresh()
    }

    private fun refresh() {
        val text = name.text.toString()
        findViewById<View>(R.id.save).isEnabled = text.isNotBlank()
        attempt { findViewById<AvatarView>(R.id.avatar).show(text, account?.id?.value ?: NOBODY, picture()) }
    }

    private suspend fun picture(): Bitmap? = when {
        draft.exists() -> Pictures.read(draft)
        isPictureRemoved -> null
        else -> app.pictures.of(app.sotto(), account?.picture)
    }

    private fun offerPicture() {
        if (account?.picture == null && !draft.exists()) return choosePicture()
        choose(
            null,
            listOf(R.string.profile_picture to ::choosePicture, R.string.profile_picture_remove to ::removePicture),
        )
    }

    private fun choosePicture() = pickPicture(PICK)

    private fun removePicture() {
        draft.delete()
        isPictureRemoved = true
        refresh()
    }

    override fun onActivityResult(request: Int, result: Int, data: Intent?) {
        val uri = data?.data ?: return
        attempt {
            if (Pictures.keepAvatar(this, uri, draft)) refresh() else say(getString(R.string.error_picture))
        }
    }

    private fun save() = act { sotto ->
        val isNew = sotto.account.get() == null
        val text = name.text.toString().trim()
        if (isNew) {
            sotto.account.create(text)
        } else if (text != account?.name) {
            sotto.account.setName(text)
        }
        if (isPictureRemoved || draft.exists()) {
            sotto.account.setPicture(draft.takeIf(File::exists))
            draft.delete()
        }
        if (isNew) toStart() else finish()
    }

    override fun onSaveInstanceState(state: Bundle) {
        super.onSaveInstanceState(state)
        state.putBoolean(REMOVED, isPictureRemoved)
    }

    companion object {
        /** Its name in the cache folder. */
        const val DRAFT = "avatar.jpg"
        private const val PICK = 1
        private const val REMOVED = "removed"
        private const val NOBODY = "nobody"
    }
}
