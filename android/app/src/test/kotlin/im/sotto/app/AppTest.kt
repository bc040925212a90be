package im.sotto.app

import android.graphics.Bitmap
import android.net.Uri
import android.widget.TextView
import im.sotto.ContactAction
import im.sotto.testing.Json
import im.sotto.testing.Node
import im.sotto.testing.Person
import im.sotto.testing.Program
import org.junit.After
import org.junit.Before
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import java.io.ByteArrayInputStream
import java.io.ByteArrayOutputStream
import java.io.File
import java.nio.file.Files
import java.util.concurrent.CopyOnWriteArrayList

/** A test of the whole app: real core, two real nodes, and other persons as processes. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34, 35], qualifiers = "w411dp-h846dp-notnight-420dpi", application = TestApp::class)
abstract class AppTest {
    protected val phone = Phone()
    protected val app: TestApp get() = RuntimeEnvironment.getApplication() as TestApp
    protected val folder: File = Files.createTempDirectory("sotto-app").toFile()
    private val persons = ArrayList<Person>()

    private val crashes = CopyOnWriteArrayList<Throwable>()

    @Before
    fun useTheNodes() {
        Thread.setDefaultUncaughtExceptionHandler { _, error -> crashes.add(error) }
        app.nodes = nodes()
    }

    /** Those of the network of all tests; a test that kills nodes has its own. */
    protected open fun nodes() = network.map { it.address }

    @After
    fun leave() {
        phone.close()
        app.await {
            app.finished()
            app.process.close()
        }
        persons.forEach(Person::close)
        folder.deleteRecursively()
        Thread.setDefaultUncaughtExceptionHandler(null)
        crashes.firstOrNull()?.let { throw AssertionError("the app would have crashed", it) }
    }

    /** The app has Alice's account, and shows its chats. */
    protected fun alice() = own(ALICE, "Alice")

    /** The app has the account of [phrase], and shows its chats. */
    protected fun own(phrase: String, name: String) {
        app.await {
            app.sotto().account.restore(phrase)
            app.sotto().account.setName(name)
            app.sotto().updateSettings(receiptDelayMs = 0)
            app.preferences.phraseWritten = true
        }
        phone.open()
        phone.on<ChatsActivity>()
    }

    /** Somebody else. With a [phrase], emoji and colours are the same in each run. */
    protected fun person(name: String, phrase: String? = null): Person {
        val place = File(folder, name)
        if (phrase != null) {
            Program("rpc", "--data", place.path).use { program ->
                call(program, "account_restore", "phrase" to phrase)
                call(program, "profile_set", "name" to name)
                call(program, "settings", "set" to mapOf("receipt_delay_ms" to 0))
                program.finish()
            }
        }
        return Person(name, place, app.nodes).also(persons::add)
    }

    private fun call(program: Program, method: String, vararg params: Pair<String, Any>) {
        program.write(Json.write(mapOf("jsonrpc" to "2.0", "id" to 1, "method" to method, "params" to params.toMap())))
        val answer = Json.parse(program.line())
        check(answer.has("result")) { "$method: $answer" }
    }

    /** A person asks Alice for contact, by an invite of hers. */
    protected fun asks(person: Person, text: String) {
        val link = app.await { app.sotto().contacts.invite().link }
        person.call("contact_add", "link" to link, "text" to text)
    }

    /** A person asks, Alice accepts: the conversation's id. */
    protected fun befriend(person: Person, text: String): String {
        asks(person, text)
        phone.until("the request") { app.await { app.sotto().contacts.all() }.any { it.requestText == text } }
        app.await {
            val one = app.sotto().contacts.all().first { it.requestText == text }
            app.sotto().contacts.answer(one.id, ContactAction.ACCEPT)
        }
        return person.contact("accepted")["conversation"].text
    }

    /** Waits for what the other person sees, while the app works on. */
    protected fun <T : Any> Person.sees(method: String, vararg params: Pair<String, Any?>, look: (Json) -> T?): T {
        var found: T? = null
        phone.until("what $method says there") {
            found = look(call(method, *params))
            found != null
        }
        return checkNotNull(found)
    }

    /**
     * Compares the screen by day and by night. Between them it is made again with what it saved, and must show the same
     * texts: so nothing typed is lost. What comes later than the texts is waited for by [isWhole].
     */
    protected fun draw(name: String, vararg masked: Int, isWhole: () -> Boolean = { true }) {
        phone.checkTargets()
        val shown = phone.texts(masked.toList())
        Draw.compare(phone, name, masked.toList())
        RuntimeEnvironment.setQualifiers("$SCREEN-night-420dpi")
        phone.recreate()
        phone.until("the same texts after recreation: $shown") { phone.texts(masked.toList()) == shown && isWhole() }
        Draw.compare(phone, "$name-dark", masked.toList())
        RuntimeEnvironment.setQualifiers("$SCREEN-notnight-420dpi")
        phone.recreate()
        phone.until("the same texts after recreation: $shown") { phone.texts(masked.toList()) == shown && isWhole() }
    }

    /** Compares the screen in Arabic, and then with letters of twice the size. [sign] is seen on it. */
    protected fun drawWide(name: String, sign: Int) {
        val count = phone.texts().size
        RuntimeEnvironment.setQualifiers("ar-ldrtl-$SCREEN-notnight-420dpi")
        phone.recreate()
        phone.sees(phone.screen.getString(sign))
        phone.until("all of the screen") { phone.texts().size == count }
        Draw.compare(phone, "$name-arabic")
        RuntimeEnvironment.setQualifiers("en-rUS-ldltr-$SCREEN-notnight-420dpi")
        RuntimeEnvironment.setFontScale(2f)
        phone.recreate()
        phone.sees(phone.screen.getString(sign))
        phone.until("a screen at rest: large letters may push rows out of it") {
            val before = phone.texts()
            Thread.sleep(500)
            phone.settle()
            phone.texts() == before
        }
        Draw.compare(phone, "$name-large")
        RuntimeEnvironment.setFontScale(1f)
        phone.recreate()
    }

    /** Writes a message in the chat on screen. */
    protected fun write(text: String) {
        phone.type(R.id.text, text)
        phone.tap(R.id.send)
        phone.until("\"$text\" among the messages") { text in bodies() }
    }

    /** The texts of the bubbles on screen. */
    protected fun bodies() =
        phone.views().filter { it.id == R.id.body && it.isShown }.map { (it as TextView).text.toString() }

    protected fun string(id: Int, vararg values: Any): String = app.getString(id, *values)

    protected fun isShown(id: Int) = phone.find(id)?.isShown == true

    /** A picture that another app offers. */
    protected fun offer(picture: Bitmap): Uri {
        val bytes = ByteArrayOutputStream().also { picture.compress(Bitmap.CompressFormat.PNG, 100, it) }.toByteArray()
        val uri = Uri.parse("content://pictures/${bytes.contentHashCode()}")
        shadowOf(app.contentResolver).registerInputStreamSupplier(uri) { ByteArrayInputStream(bytes) }
        return uri
    }

    companion object {
        private const val SCREEN = "w411dp-h846dp"
        const val ALICE = "scheme spot photo card baby mountain device kick cradle pact join borrow"
        const val BOB = "ozone drill grab fiber curtain grace pudding thank cruise elder eight picnic"
        const val CAROL = "jelly better achieve collect unaware mountain thought cargo oxygen act hood bridge"

        const val DORA = "void come effort suffer camp survey warrior heavy shoot primary clutch crush open amazing " +
            "screen " +
            "patrol group space point ten exist slush involve unfold"

        /** One network for all tests of this process. It ends with the process. */
        private val network by lazy {
            val place = Files.createTempDirectory("sotto-nodes").toFile()
            listOf(Node(File(place, "one")))
        }
    }
}
